"""The web page: static files, served as they lie in ``site``."""
