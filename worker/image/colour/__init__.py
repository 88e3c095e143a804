"""From samples in any colour space and depth to 8-bit sRGB pixels without alpha."""
