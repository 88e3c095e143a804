"""The JPEG encoder (ITU-T T.81): a saliency map decides where bits are spent."""
