"""Standard JPEG (ITU-T T.81) behind a saliency map."""
