"""RQ batch worker: decode, predict, encode."""
