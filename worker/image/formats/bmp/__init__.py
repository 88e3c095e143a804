"""Reads a BMP of Windows or OS/2."""

from worker.image.formats.bmp.reader import read

__all__ = ["read"]
