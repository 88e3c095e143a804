"""One reader for each format: from a file to its samples, orientation and metadata."""
