"""Photos and uploads of the benchmarks."""
