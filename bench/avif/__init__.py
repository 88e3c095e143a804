"""AVIF: what one costs, and what its encodes cost the JPEGs beside them."""
