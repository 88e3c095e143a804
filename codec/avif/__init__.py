"""Saliency-weighted AVIF: libaom codes the picture, and a file of rates says where its bits go."""
