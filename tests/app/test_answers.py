"""An answer takes the form that the request's Accept header asks for."""

import email.parser
import email.policy
from dataclasses import replace

import pytest

from app.answers import accepts_multipart, answer
from contract.messages import Result

RESULT = Result("job", 2, 2, 10, 5, 6, "v", "image/png", {"queue": 1.25, "encode": 2.0}, 1)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("*/*", False),
        ("image/jpeg", False),
        ("multipart/mixed", True),
        ("Multipart/Mixed; q=0.5, image/*", True),
        ("image/*, multipart/*", True),
        ("multipart/mixed; q=0", False),
    ],
)
def test_multipart_is_sent_to_who_asks_for_it_by_name(accept: str, expected: bool) -> None:
    assert accepts_multipart(accept) is expected


def test_two_parts_are_read_by_an_independent_parser() -> None:
    response = answer(RESULT, b"\xff\xd8--jpeg\r\n", b"\x89PNG\r\n--", "multipart/mixed")
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
        head + bytes(response.body)
    )
    parts = [
        (part.get_content_type(), part.get_payload(decode=True)) for part in message.iter_parts()
    ]
    assert parts == [("image/jpeg", b"\xff\xd8--jpeg\r\n"), ("image/png", b"\x89PNG\r\n--")]


def test_the_jpeg_alone_links_to_its_heatmap() -> None:
    response = answer(RESULT, b"jpeg", b"png", "*/*")
    assert response.body == b"jpeg"
    assert response.headers["link"] == '</jobs/job/heatmap>; rel="heatmap"'


def test_a_passed_upload_says_so() -> None:
    assert "x-passthrough" not in answer(RESULT, b"jpeg", None, "").headers
    passed = answer(replace(RESULT, passthrough=True), b"jpeg", b"png", "multipart/mixed")
    assert passed.headers["x-passthrough"] == "true"


def test_headers_tell_bytes_and_stages() -> None:
    headers = answer(RESULT, b"jpeg", None, "").headers
    assert headers["content-type"] == "image/jpeg"
    assert headers["x-original-bytes"] == "10"
    assert headers["x-compressed-bytes"] == "5"
    assert headers["x-reference-bytes"] == "6"
    assert headers["server-timing"] == "queue;dur=1.2, encode;dur=2.0"
