"""A JPEG upload's own coefficients, without its pixels (T.81 annexes F.2 and G.2)."""
