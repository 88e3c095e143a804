"""Fitting the encoder's constants on photos."""
