"""Single HTTP requests without TLS.

httpx loads the certificates of all authorities for each request of ``httpx.get``: 50 ms of CPU time.
"""

import ssl
from typing import Any

import httpx

NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def get(url: str, **options: Any) -> httpx.Response:
    """Send a GET on a new connection."""
    return httpx.get(url, verify=NO_CERTIFICATES, **options)


def post(url: str, **options: Any) -> httpx.Response:
    """Send a POST on a new connection."""
    return httpx.post(url, verify=NO_CERTIFICATES, **options)


def new_client(**options: Any) -> httpx.Client:
    """Return a client that keeps its connections."""
    return httpx.Client(verify=NO_CERTIFICATES, **options)
