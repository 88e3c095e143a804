"""One photo: decoding, colours, resizing, encoding, heatmap, metadata and gain map."""
