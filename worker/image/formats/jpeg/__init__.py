"""The reader of JPEGs."""
