"""The JPEG 2000 encoder with and without its map, and OpenJPEG's own files."""
