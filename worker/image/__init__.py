"""One photo: decoding, resizing, encoding, heatmap and metadata."""
