"""Samples to DCT coefficients and back: colour, chroma resampling, DCT, deringing."""
