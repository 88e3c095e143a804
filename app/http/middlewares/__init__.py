"""ASGI middlewares around all routes: API keys and security headers."""
