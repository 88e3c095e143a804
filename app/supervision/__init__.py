"""``python -m app run``: Redis, front ends and workers on one machine."""
