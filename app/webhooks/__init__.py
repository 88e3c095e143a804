"""Webhooks: tells other servers, signed, that asynchronous jobs have ended."""
