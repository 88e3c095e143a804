"""Rate-distortion optimized quantization, weighted by saliency and masking."""
