"""Training of the weights; serving needs nothing of it."""
