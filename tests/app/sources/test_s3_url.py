"""An s3:// URL names one bucket and one key, and never another bucket."""

import pytest

from app.sources.s3_url import S3Object, parse_endpoint, parse_s3_url
from contract.errors import ForbiddenSourceError, FoveateError, MalformedRequestError


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("s3://my-bucket.1/a.jpg", "a.jpg"),
        ("s3://my-bucket.1/a/b c/ü?x=1&y#z%20.jpg", "a/b c/ü?x=1&y#z%20.jpg"),
        ("s3://my-bucket.1//a", "/a"),
        ("s3://my-bucket.1/a//b/", "a//b/"),
        ("s3://my-bucket.1/.../..a/b..", ".../..a/b.."),
        ("s3://my-bucket.1/%2e%2e/x", "%2e%2e/x"),
        ("s3://my-bucket.1/" + "ü" * 512, "ü" * 512),
    ],
)
def test_the_key_is_taken_as_it_is(text: str, key: str) -> None:
    assert parse_s3_url(text) == S3Object("my-bucket.1", key)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("s3://", MalformedRequestError),
        ("s3://bucket", MalformedRequestError),
        ("s3://bucket/", MalformedRequestError),
        ("s3:///key", MalformedRequestError),
        ("S3://bucket/key", MalformedRequestError),
        ("s3://bu/key", MalformedRequestError),
        ("s3://Bucket/key", MalformedRequestError),
        ("s3://-bucket/key", MalformedRequestError),
        ("s3://bucket\n/key", MalformedRequestError),
        ("s3://user@bucket/key", MalformedRequestError),
        ("s3://bucket:80/key", MalformedRequestError),
        ("s3://bucket?x/key", MalformedRequestError),
        ("s3://" + "b" * 64 + "/key", MalformedRequestError),
        ("s3://bucket/a\r\nX-Header: b", MalformedRequestError),
        ("s3://bucket/a\0", MalformedRequestError),
        ("s3://bucket/\ud800", MalformedRequestError),
        ("s3://bucket/" + "ü" * 513, MalformedRequestError),
        # Servers that resolve these would read another bucket.
        ("s3://bucket/../other/key", ForbiddenSourceError),
        ("s3://bucket/a/../../other/key", ForbiddenSourceError),
        ("s3://bucket/./a", ForbiddenSourceError),
        ("s3://bucket/a/..", ForbiddenSourceError),
        ("http://bucket/key", MalformedRequestError),
    ],
)
def test_what_is_no_such_name_is_refused(text: str, error: type[FoveateError]) -> None:
    with pytest.raises(error):
        parse_s3_url(text)


def test_a_store_is_an_http_server() -> None:
    assert str(parse_endpoint("https://s3.example:9000")) == "https://s3.example:9000/"
    assert parse_endpoint("http://10.0.0.1/").port == 80
    for text in (
        *("", "s3.example", "ftp://s3.example", "https://user:secret@s3.example"),
        *("https://s3.example/photos", "https://s3.example/?x", "https://s3.example#x"),
    ):
        with pytest.raises(ValueError, match="must be http:// or https://") as caught:
            parse_endpoint(text)
        assert "secret" not in str(caught.value)
