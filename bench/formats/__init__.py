"""What Foveate reads, beside independent decoders."""
