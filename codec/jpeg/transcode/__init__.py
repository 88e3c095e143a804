"""JPEG in, JPEG out: an encode from the coefficients of a source instead of pixels."""
