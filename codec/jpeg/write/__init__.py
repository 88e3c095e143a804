"""Quantized coefficients written as a file (T.81 Annexes B, F.1 and G.1)."""
