"""Reads format and size of an image from its header, in a limited number of steps."""
