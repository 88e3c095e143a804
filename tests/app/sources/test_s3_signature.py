"""Signatures are those of botocore 1.44.8 (`S3SigV4Auth`), which made the expected values."""

from datetime import UTC, datetime

import pytest

from app.sources.s3_signature import EMPTY_SHA256, Credentials, sign_get
from app.sources.source_url import SourceUrl

NOW = datetime(2026, 12, 1, 2, 3, 4, tzinfo=UTC)
KEY = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")


@pytest.mark.parametrize(
    ("url", "token", "signature"),
    [
        (
            SourceUrl("https", "s3.eu-central-1.amazonaws.com", 443, "/photos/a.jpg"),
            "",
            "a6b1f52d5f70a597255d5391ba0f7c9638795d109bb4e948eaaa219960155c2b",
        ),
        (
            SourceUrl("http", "127.0.0.1", 9000, "/photos/folder/my%20photo.jpg"),
            "",
            "9a40fdf8fa2360ac5752af062738726dd679687adbbc2c06b1dacdead6c8a792",
        ),
        (
            SourceUrl(
                *("https", "store.example", 8443),
                "/my.bucket/%C3%BC/%E4%B8%96%20%2B%26%3D%3F%23%2520.jpg",
            ),
            "token/+==",
            "742c220b7c62d1de8488f86dbecf98216e0ea3fa6c2724ba6891dd52d63f9ed2",
        ),
        (
            SourceUrl("https", "store.example", 443, "/photos/a//b/~x%27%28%29.jpg"),
            "",
            "60b30846fa586e7a50720728e5b491fc4f685034206728d1d79c2ca52c1fc700",
        ),
    ],
)
def test_a_request_is_signed_as_botocore_signs_it(
    url: SourceUrl, token: str, signature: str
) -> None:
    headers = dict(sign_get(url, Credentials(*KEY, token), "eu-central-1", NOW))
    assert headers[b"x-amz-date"] == b"20261201T020304Z"
    assert headers[b"x-amz-content-sha256"] == EMPTY_SHA256.encode()
    assert headers.get(b"x-amz-security-token", b"") == token.encode()
    names = "host;x-amz-content-sha256;x-amz-date" + (";x-amz-security-token" if token else "")
    assert headers[b"Authorization"].decode() == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261201/eu-central-1/s3/aws4_request, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    assert KEY[1].encode() not in b"".join(headers.values())


def test_a_secret_is_not_shown() -> None:
    assert "secret" not in repr(Credentials("id", "secret-key", "secret-token"))


def test_without_a_time_it_is_now() -> None:
    url = SourceUrl("https", "store.example", 443, "/b/k")
    sent = dict(sign_get(url, Credentials(*KEY), "eu-central-1"))[b"x-amz-date"].decode()
    moment = datetime.strptime(sent, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - moment).total_seconds()) < 5
