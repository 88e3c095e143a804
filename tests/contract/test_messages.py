"""Requests and replies are the same after encoding and decoding; other content is refused."""

import json
from dataclasses import replace

import pytest

from contract.errors import CorruptImageError, InternalError
from contract.messages import (
    Failure,
    InvalidReplyError,
    Options,
    Request,
    Result,
    Thumbhash,
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
    crop={"x": 0.25, "y": 0, "width": 0.5, "height": 1.0},
    focus={"x": 0.4, "y": 0.6},
    regions=[
        {"class": "dog", "score": 0.5, "box": {"x": 0, "y": 0.25, "width": 1, "height": 0.75}},
        {"class": "text and signs", "score": 1, "box": {"x": 0, "y": 0, "width": 0, "height": 0}},
    ],
    thumbhash=Thumbhash("1QcSHQRnh493V4dIh4eXh1h4kJUI"),
)
REGION = {"class": "dog", "score": 0.5, "box": {"x": 0, "y": 0, "width": 1, "height": 1}}


def test_a_request_is_the_same_after_json() -> None:
    assert Request.from_json(json.loads(json.dumps(REQUEST.to_json()))) == REQUEST


def test_options_that_a_request_leaves_out_have_their_defaults() -> None:
    fields = {**REQUEST.to_json(), "options": {"quality": 50}}
    assert Request.from_json(fields).options == Options(quality=50)


def test_a_version_that_does_not_know_an_option_can_read_requests_that_do_not_use_it() -> None:
    assert REQUEST.to_json()["options"] == {
        "quality": 50,
        "max_bytes": 9000,
        "floor": 20,
        "progressive": False,
        "heatmap": "map",
    }


@pytest.mark.parametrize("reply", [RESULT, Failure("j", "corrupt-image", "Broken.", 2)])
def test_a_reply_is_the_same_after_encoding(reply: Result | Failure) -> None:
    assert decode_reply(encode_reply(reply)) == reply


def test_a_version_that_does_not_know_a_field_can_read_replies_that_do_not_use_it() -> None:
    sent = json.loads(encode_reply(Failure("j", "c", "d", submitted_unix_s=1.5)))
    assert sent == {
        "kind": "failure",
        "job_id": "j",
        "code": "c",
        "detail": "d",
        "submitted_unix_s": 1.5,
    }


def test_a_result_of_a_version_that_finds_no_regions_can_be_read() -> None:
    sent = json.loads(encode_reply(RESULT))
    del sent["regions"], sent["thumbhash"], sent["focus"]
    read = decode_reply(json.dumps(sent).encode())
    assert read == replace(RESULT, regions=None, thumbhash=None, focus=None)
    # No region is not the same as not looked for.
    empty = replace(RESULT, regions=[])
    assert decode_reply(encode_reply(empty)) == empty


def test_unknown_fields_of_a_reply_are_ignored() -> None:
    raw = encode_reply(RESULT).replace(b"{", b'{"unknown":false,', 1)
    assert decode_reply(raw) == RESULT


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"options": {}},
        {**REQUEST.to_json(), "unknown": 1},
        {**REQUEST.to_json(), "options": {"nonsense": 1}},
        {**REQUEST.to_json(), "options": {"heatmap": "everything"}},
        {**REQUEST.to_json(), "options": {"target": "bytes"}},
        {**REQUEST.to_json(), "options": {"subsampling": "422"}},
        {**REQUEST.to_json(), "options": {"progressive": 1}},
        {**REQUEST.to_json(), "options": {"max_bytes": "9000"}},
        {**REQUEST.to_json(), "options": {"max_bytes": True}},
        {**REQUEST.to_json(), "options": {"floor": 20.5}},
        {**REQUEST.to_json(), "options": {"strength": float("nan")}},
        {**REQUEST.to_json(), "options": []},
        {**REQUEST.to_json(), "pixels": "4"},
        {**REQUEST.to_json(), "pixels": -1},
        {**REQUEST.to_json(), "original_bytes": True},
        {**REQUEST.to_json(), "deadline_unix_s": None},
        {**REQUEST.to_json(), "deadline_unix_s": float("inf")},
        {**REQUEST.to_json(), "reply_to": 7},
    ],
)
def test_an_invalid_request_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a request"):
        Request.from_json(fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"stage_ms": None},
        {"stage_ms": []},
        {"stage_ms": {"decode": "1"}},
        {"stage_ms": {"decode": float("nan")}},
        {"stage_ms": {"decode": float("inf")}},
        {"stage_ms": {"decode": -1}},
        {"stage_ms": {"a\r\nX-Header: b": 1}},
        {"stage_ms": {"x" * 33: 1}},
        {"stage_ms": {chr(97 + number): 1 for number in range(17)}},
        {"started_unix_s": "1"},
        {"submitted_unix_s": 1e15},
        {"width_px": 2.0},
        {"width_px": 2**53},
        {"original_bytes": None},
        {"compressed_bytes": True},
        {"batch_size": "4"},
        {"passthrough": 1},
        {"heatmap_type": "image/png\r\n"},
        {"model_version": "v" * 5000},
        {"model_version": "\ud800"},
        {"crop": [0, 0, 1, 1]},
        {"crop": {"x": 0, "y": 0, "width": 1}},
        {"crop": {"x": 0, "y": 0, "width": 1, "height": 1.01}},
        {"crop": {"x": 0, "y": 0, "width": 1, "height": "1"}},
        {"focus": {"x": 0.5, "y": -0.1}},
        {"focus": {"x": 0.5, "y": float("nan")}},
        {"focus": {"x": 0.5, "y": 0.5, "z": 0.5}},
        {"regions": {}},
        {"regions": "dog"},
        {"regions": [None]},
        {"regions": [[]]},
        {"regions": [{}]},
        {"regions": [REGION] * 17},
        {"regions": [{**REGION, "more": 1}]},
        {"regions": [{**REGION, "class": ""}]},
        {"regions": [{**REGION, "class": 7}]},
        {"regions": [{**REGION, "class": "<b>\n"}]},
        {"regions": [{**REGION, "class": "x" * 65}]},
        {"regions": [{**REGION, "class": "\u202e"}]},
        {"regions": [{**REGION, "score": 1.01}]},
        {"regions": [{**REGION, "score": -0.1}]},
        {"regions": [{**REGION, "score": True}]},
        {"regions": [{**REGION, "score": float("nan")}]},
        {"regions": [{**REGION, "box": [0, 0, 1, 1]}]},
        {"regions": [{**REGION, "box": {"x": 0, "y": 0, "width": 1}}]},
        {"regions": [{**REGION, "box": {"x": 0, "y": 0, "width": 1, "height": 1.01}}]},
        {"regions": [{**REGION, "box": {"x": 0, "y": 0, "width": 1, "height": None}}]},
        {"thumbhash": ""},
        {"thumbhash": 7},
        {"thumbhash": "1QcSHQ"},
        {"thumbhash": "1QcS HQRn"},
        {"thumbhash": "AAAA" * 9},
        {"thumbhash": "1QcSHQ==\n"},
        {"thumbhash": "<script>"},
        {"kind": ["result"]},
        {"kind": "other"},
    ],
)
def test_a_reply_with_a_wrong_value_is_refused_and_names_its_job(fields: dict[str, object]) -> None:
    raw = json.dumps({**json.loads(encode_reply(RESULT)), **fields}).encode()
    with pytest.raises(InvalidReplyError, match="not a reply") as caught:
        decode_reply(raw)
    assert caught.value.job_id == RESULT.job_id


@pytest.mark.parametrize("fields", [{"code": None}, {"detail": 3}, {"batch_size": -1}])
def test_a_failure_with_a_wrong_value_is_refused(fields: dict[str, object]) -> None:
    raw = json.dumps({**json.loads(encode_reply(Failure("j", "c", "d"))), **fields}).encode()
    with pytest.raises(InvalidReplyError):
        decode_reply(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{}",
        b"[]",
        b"[" * 100_000,
        b'{"job_id":7}',
        b'{"kind":"other"}',
        b'{"kind":"result"}',
        b"\xff",
    ],
)
def test_an_invalid_reply_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="not a reply"):
        decode_reply(raw)


def test_a_failure_becomes_the_error_of_its_code() -> None:
    error = Failure("j", "corrupt-image", "Broken.").to_error()
    assert isinstance(error, CorruptImageError)
    assert error.detail == "Broken."
    assert isinstance(Failure("j", "unknown-code", "").to_error(), InternalError)
