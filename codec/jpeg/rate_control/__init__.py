"""Passes of quantization until the file meets its target."""
