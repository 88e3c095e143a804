"""Other servers of the same model and encoder, and a worker without both."""
