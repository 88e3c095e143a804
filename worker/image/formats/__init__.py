"""One reader for each format that Pillow alone does not read truly."""
