"""Measures of pictures and of maps."""
