"""A signature is an HMAC that any holder of a key can make, and nobody else."""

import base64
import hashlib
import hmac
import re

import pytest

from app.sources.signature import read_source, sign, signed_path, verify
from contract.errors import BadSignatureError

KEY = b"0123456789abcdef"
URL = "https://photos.example.org/a%20b.jpg?w=1"


def make_signature() -> str:
    """Return the signature of URL with ``quality=5``, made without the code under test."""
    digest = hmac.new(KEY, f"quality=5/{URL}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_a_signature_is_an_hmac_of_options_and_url() -> None:
    assert sign(KEY, "quality=5", URL) == make_signature()
    verify([b"other", KEY], make_signature(), "quality=5", URL)


@pytest.mark.parametrize(
    ("keys", "signature", "options", "url"),
    [
        ([b"other", KEY], make_signature(), "quality=6", URL),
        ([b"other", KEY], make_signature(), "quality=5", URL + "0"),
        ([b"other", KEY], make_signature()[:-1], "quality=5", URL),
        ([b"other", KEY], make_signature() + "=", "quality=5", URL),
        ([b"other", KEY], "", "quality=5", URL),
        ([b"other", KEY], "ü\ud800", "quality=5", URL),
        ([b"other"], make_signature(), "quality=5", URL),
        ([], make_signature(), "quality=5", URL),
    ],
)
def test_other_signatures_options_urls_and_keys_are_refused(
    keys: list[bytes], signature: str, options: str, url: str
) -> None:
    with pytest.raises(BadSignatureError):
        verify(keys, signature, options, url)


@pytest.mark.parametrize("options", ["", "-"])
def test_a_path_without_options_has_a_dash(options: str) -> None:
    path = signed_path(KEY, "http://example.org/a", options)
    signature = sign(KEY, "-", "http://example.org/a")
    assert path == f"/fetch/{signature}/-/aHR0cDovL2V4YW1wbGUub3JnL2E"


def test_a_signed_path_has_nothing_that_proxies_change() -> None:
    url = "https://photos.example.org//a%20b/../\u00fc.jpg?w=1&h=%2F"
    path = signed_path(KEY, url, "quality=5,strength=0.5")
    assert re.fullmatch(r"(/[A-Za-z0-9_.=,-]+)+", path)
    assert read_source(path.rpartition("/")[2]) == url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("aHR0cDovL2V4YW1wbGUub3JnL2E", "http://example.org/a"),
        ("http://example.org/a//b", "http://example.org/a//b"),
        ("HTTPS:/example.org/a/b", "HTTPS://example.org/a/b"),
        # Another encoding of the same URL would be another entry of a cache.
        ("aHR0cDovL2V4YW1wbGUub3JnL2E=", "aHR0cDovL2V4YW1wbGUub3JnL2E="),
        ("aHR0cDovL2V4YW1wbGUub3JnL2F", "aHR0cDovL2V4YW1wbGUub3JnL2F"),
        ("aHR0cDovL2V4YW1wbGUub3JnL2E\n", "aHR0cDovL2V4YW1wbGUub3JnL2E\n"),
        ("a", "a"),
        ("_w", "_w"),
        ("\u00fc", "\u00fc"),
        ("", ""),
    ],
)
def test_a_source_is_read_from_base64url_or_as_it_stands(text: str, url: str) -> None:
    assert read_source(text) == url
