"""Reads a PNG at its full depth (PNG, third edition)."""

from worker.image.formats.png.reader import read

__all__ = ["read"]
