"""JPEG in, JPEG out: the encoder from a source's own coefficients."""
