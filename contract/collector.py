"""Checks the settings of the collector of traces, which OpenTelemetry reads from the environment."""

import os
import re
from typing import Final
from urllib.parse import unquote, urlsplit

# Each names a collector (https://opentelemetry.io/docs/specs/otel/protocol/exporter/).
ENDPOINT_VARIABLES: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
# A header in OpenTelemetry's format (https://opentelemetry.io/docs/specs/otel/protocol/exporter/).
COLLECTOR_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*=[ !#-+\--:<-\[\]-~]*")


def has_collector() -> bool:
    """Return whether the environment names a collector."""
    return any(os.environ.get(name) for name in ENDPOINT_VARIABLES)


def check_collector_url(url: str) -> str:
    """Return ``url`` unchanged.

    Raises:
        ValueError: when it is not the URL of an HTTP server; the message has no part of it.
    """
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or "@" in parts.path + parts.query + parts.fragment:
        # Without the error's context, which quotes the URL.
        raise ValueError(
            "it is not a URL with http:// or https://; in a password, write '/' as %2F, '?' as %3F, "
            "'#' as %23, '@' as %40 and '%' as %25"
        ) from None
    return url


def check_collector_headers(headers: str) -> str:
    """Return ``headers`` unchanged. OpenTelemetry would log what is invalid, and send the rest.

    Raises:
        ValueError: when they are not headers; the message has no part of them.
    """
    for entry in filter(None, map(str.strip, headers.split(","))):
        if not COLLECTOR_HEADER.fullmatch(entry) or not unquote(entry).isprintable():
            raise ValueError("it must be NAME=VALUE, separated by commas, with URL-encoded values")
    return headers
