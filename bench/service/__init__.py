"""The service and its rivals over HTTP."""
