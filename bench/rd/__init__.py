"""Rate and distortion of Foveate's encoder and of others."""
