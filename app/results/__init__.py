"""Finished photos: how they are identified, read and cached."""
