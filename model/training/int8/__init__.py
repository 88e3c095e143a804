"""The network in 8 bits: calibration, the file, and the command that writes it."""
