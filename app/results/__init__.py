"""Finished photos: their identity, and the result cache."""
