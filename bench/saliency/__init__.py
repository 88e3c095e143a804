"""Saliency maps against recorded gaze and labels."""
