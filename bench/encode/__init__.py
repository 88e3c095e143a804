"""Speed, passes and memory of the encoder alone."""
