"""Metadata of an upload: what is read of it, and what is kept."""
