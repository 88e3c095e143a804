"""One photo: decoding, sizing, encoding, heatmap and metadata."""
