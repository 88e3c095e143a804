"""Compares what Foveate reads with independent decoders."""
