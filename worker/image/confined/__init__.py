"""Decoding in a process of its own that can reach nothing but its two pipes."""
