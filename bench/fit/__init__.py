"""The fit of the encoder's constants."""
