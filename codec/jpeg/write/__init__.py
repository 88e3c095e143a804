"""Quantized coefficients to a file (T.81 annexes B, F.1 and G.1)."""
