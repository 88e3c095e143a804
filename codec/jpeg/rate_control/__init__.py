"""Rate control: passes of quantization until the file meets its target."""
