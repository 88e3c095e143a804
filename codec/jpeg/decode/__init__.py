"""The coefficients of a JPEG upload, read without decoding its pixels (T.81 Annexes F.2 and G.2)."""
