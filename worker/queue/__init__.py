"""An RQ worker that claims, runs and records many jobs at once."""
