"""Measures of decoded pictures and of saliency maps."""
