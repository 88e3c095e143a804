"""Labels of photos for training: from their folders and from the teachers."""
