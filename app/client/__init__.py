"""``python -m app compress``: photos, folders of them, through a service."""
