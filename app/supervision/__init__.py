"""The command ``foveate run``: Redis, front ends and workers on one machine."""
