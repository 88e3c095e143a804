"""Saliency maps compared with recorded gaze and labelled objects."""
