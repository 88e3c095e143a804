"""ASGI middlewares: API keys, CORS and security headers."""
