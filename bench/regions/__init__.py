"""Regions, and the boxes of class activation maps, against labelled objects."""
