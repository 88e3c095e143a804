"""Rate and distortion against other encoders."""
