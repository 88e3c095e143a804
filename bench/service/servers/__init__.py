"""Other servers with the same model and encoder, and a stand-in worker without model and encoder."""
