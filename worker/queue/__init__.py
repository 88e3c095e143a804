"""The RQ worker that claims, runs and records jobs in batches."""
