"""Saliency-weighted JPEG encoder: pixels and a saliency map in, a standard JPEG out."""
