"""Other ways to serve the same model and encoder, to be measured beside ours."""
