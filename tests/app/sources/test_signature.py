"""A signature is an HMAC that any holder of a key can make, and nobody else."""

import base64
import hashlib
import hmac

import pytest

from app.sources.signature import sign, signed_path, verify
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
    assert path == f"/fetch/{sign(KEY, '-', 'http://example.org/a')}/-/http%3A%2F%2Fexample.org%2Fa"
