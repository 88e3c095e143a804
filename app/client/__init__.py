"""``foveate compress``: compresses photos and folders through a service."""
