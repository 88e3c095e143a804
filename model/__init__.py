"""MSROI: the network that finds every region people care about, and its predictor."""
