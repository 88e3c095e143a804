"""Benchmarks: what Foveate reaches, measured beside its rivals."""
