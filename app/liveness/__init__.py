"""Which workers live, and what becomes of the jobs of those that died."""
