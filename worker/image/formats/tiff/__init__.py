"""Reads TIFF and BigTIFF (TIFF 6.0 and its supplements), strip by strip or tile by tile."""
