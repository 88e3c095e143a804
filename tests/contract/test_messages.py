"""Requests and replies survive the way through JSON; anything else is refused."""

import json

import pytest

from contract.errors import CorruptImageError, InternalError
from contract.messages import (
    Failure,
    Options,
    Request,
    Result,
    decode_reply,
    encode_reply,
)

REQUEST = Request(
    Options(quality=50, max_bytes=9000, floor=20, progressive=False, heatmap="map"),
    reply_to="a",
    original_bytes=10,
    pixels=4,
    submitted_unix_s=1.5,
    deadline_unix_s=31.5,
)
RESULT = Result(
    job_id="j",
    width_px=2,
    height_px=3,
    original_bytes=10,
    compressed_bytes=5,
    reference_bytes=6,
    model_version="v",
    heatmap_type=None,
    stage_ms={"decode": 1.25},
    batch_size=4,
    passthrough=True,
)


def test_a_request_survives_json() -> None:
    assert Request.from_json(json.loads(json.dumps(REQUEST.to_json()))) == REQUEST


def test_a_request_that_names_few_options_has_the_defaults_of_the_others() -> None:
    fields = {**REQUEST.to_json(), "options": {"quality": 50}}
    assert Request.from_json(fields).options == Options(quality=50)


@pytest.mark.parametrize("reply", [RESULT, Failure("j", "corrupt-image", "Broken.", 2)])
def test_a_reply_survives_its_encoding(reply: Result | Failure) -> None:
    assert decode_reply(encode_reply(reply)) == reply


def test_fields_of_another_version_are_ignored() -> None:
    raw = encode_reply(RESULT).replace(b"{", b'{"unknown":false,', 1)
    assert decode_reply(raw) == RESULT


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"options": {}},
        {**REQUEST.to_json(), "surprise": 1},
        {**REQUEST.to_json(), "options": {"nonsense": 1}},
        {**REQUEST.to_json(), "options": {"heatmap": "everything"}},
        {**REQUEST.to_json(), "options": {"target": "bytes"}},
        {**REQUEST.to_json(), "options": {"subsampling": "422"}},
        {**REQUEST.to_json(), "options": {"progressive": 1}},
        {**REQUEST.to_json(), "options": {"max_bytes": "9000"}},
        {**REQUEST.to_json(), "options": {"max_bytes": True}},
        {**REQUEST.to_json(), "options": {"floor": 20.5}},
    ],
)
def test_what_is_no_request_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a request"):
        Request.from_json(fields)


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b"[]", b'{"kind":"other"}', b'{"kind":"result"}', b"\xff"]
)
def test_what_is_no_reply_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="not a reply"):
        decode_reply(raw)


def test_a_failure_becomes_the_error_it_names() -> None:
    error = Failure("j", "corrupt-image", "Broken.").to_error()
    assert isinstance(error, CorruptImageError)
    assert error.detail == "Broken."
    assert isinstance(Failure("j", "unheard-of", "").to_error(), InternalError)
