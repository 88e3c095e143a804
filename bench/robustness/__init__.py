"""Kills, slow clients and folders under load."""
