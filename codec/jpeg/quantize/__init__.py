"""Rate-distortion optimised quantization, weighted by saliency and masking."""
