"""Photos and uploads that benchmarks read."""
