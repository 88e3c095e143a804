"""Responses with a finished photo have the chosen media type and the common headers."""

import email.parser
import email.policy
import json
from dataclasses import replace

import pytest
from starlette.responses import Response

from app.http.preferences import MediaType
from app.http.responses import (
    choose_available,
    to_entity_tag,
    to_not_modified,
    to_photo_response,
)
from app.results.result import Finished, Outcome
from contract.errors import QueueUnavailableError
from contract.messages import Result

RESULT = Result("owner", 2, 3, 10, 5, 6, "v", "image/png", {"queue": 1.25, "encode": 2.0}, 1)
IDENTITY = "0123456789abcdef" * 4


def respond(
    media_type: MediaType = "image/jpeg",
    *,
    image: bytes = b"jpeg",
    heatmap: bytes | None = b"png",
    result: Result = RESULT,
    cached_ms: float | None = None,
    root_path: str = "",
) -> Response:
    finished = Finished(result, image, heatmap)
    return to_photo_response(
        Outcome(finished, IDENTITY, result.stage_ms, cached_ms), media_type, "job", root_path
    )


def test_an_independent_parser_reads_the_two_parts() -> None:
    response = respond("multipart/mixed", image=b"\xff\xd8--jpeg\r\n", heatmap=b"\x89PNG\r\n--")
    head = f"Content-Type: {response.headers['content-type']}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(
        head + bytes(response.body)
    )
    parts = [
        (part.get_content_type(), part.get_payload(decode=True)) for part in message.iter_parts()
    ]
    assert parts == [("image/jpeg", b"\xff\xd8--jpeg\r\n"), ("image/png", b"\x89PNG\r\n--")]


def test_the_jpeg_links_to_its_heatmap() -> None:
    response = respond()
    assert response.body == b"jpeg"
    assert response.headers["link"] == '</jobs/job/heatmap>; rel="heatmap"'
    assert "link" not in respond(heatmap=None).headers


@pytest.mark.parametrize("form", ["image/jpeg", "multipart/mixed", "application/json"])
@pytest.mark.parametrize(("image", "heatmap"), [(b"", b"png"), (b"", None), (b"jpeg", b"")])
def test_an_empty_picture_is_never_sent(
    form: MediaType, image: bytes, heatmap: bytes | None
) -> None:
    with pytest.raises(QueueUnavailableError):
        respond(form, image=image, heatmap=heatmap)


def test_links_are_under_the_prefix() -> None:
    assert respond(root_path="/img").headers["link"].startswith("</img/jobs/job/heatmap>")
    response = respond("application/json", root_path="/img")
    assert response.headers["content-location"] == "/img/jobs/job"
    assert json.loads(bytes(response.body))["links"]["self"] == "/img/jobs/job"


def test_json_has_sizes_and_links() -> None:
    response = respond("application/json")
    assert response.headers["content-type"] == "application/json"
    document = json.loads(bytes(response.body))
    assert document["id"] == "job"
    assert document["state"] == "finished"
    assert document["result"]["compressed_bytes"] == 5
    assert (document["result"]["width"], document["result"]["height"]) == (2, 3)
    assert document["links"] == {
        "self": "/jobs/job",
        "image": "/jobs/job/image",
        "heatmap": "/jobs/job/heatmap",
    }
    assert "owner" not in bytes(response.body).decode()


def test_a_passthrough_is_marked() -> None:
    assert "x-passthrough" not in respond().headers
    passed = respond("multipart/mixed", result=replace(RESULT, passthrough=True))
    assert passed.headers["x-passthrough"] == "true"


def test_headers_name_the_crop_and_the_focus() -> None:
    assert not {"x-crop", "x-focus"} & set(respond().headers)
    # The order in a reply does not count.
    crop = {"height": 1.0, "width": 0.373832, "y": 0.0, "x": 0.25}
    headers = respond(result=replace(RESULT, crop=crop, focus={"y": 1, "x": 0.4})).headers
    assert headers["x-crop"] == "0.25,0,0.373832,1"
    assert headers["x-focus"] == "0.4,1"


@pytest.mark.parametrize("media_type", ["image/jpeg", "multipart/mixed", "application/json"])
def test_headers_contain_sizes_and_stages(media_type: MediaType) -> None:
    headers = respond(media_type).headers
    assert headers["x-original-bytes"] == "10"
    assert headers["x-compressed-bytes"] == "5"
    assert headers["x-reference-bytes"] == "6"
    assert headers["server-timing"] == "queue;dur=1.2, encode;dur=2.0"
    assert headers["vary"] == "Accept, Prefer"
    assert headers["etag"] == f'"{to_entity_tag(IDENTITY, media_type, "job")}"'
    cached = respond(media_type, cached_ms=0.5).headers["server-timing"]
    assert cached.endswith(', cache;desc="hit";dur=0.5')


def test_equal_bodies_have_equal_tags_and_others_do_not() -> None:
    media_types: tuple[MediaType, ...] = ("image/jpeg", "multipart/mixed", "application/json")
    assert len({to_entity_tag(IDENTITY, media_type, "job") for media_type in media_types}) == 3
    assert respond("multipart/mixed").body == respond("multipart/mixed").body
    assert to_entity_tag(IDENTITY, "application/json", "a") != to_entity_tag(
        IDENTITY, "application/json", "b"
    )


def test_without_a_heatmap_the_jpeg_is_sent_alone() -> None:
    assert choose_available("multipart/mixed", has_heatmap=False) == "image/jpeg"
    assert choose_available("multipart/mixed", has_heatmap=True) == "multipart/mixed"


def test_a_304_has_the_tag_and_the_caching_headers() -> None:
    response = to_not_modified("tag")
    assert (response.status_code, response.body) == (304, b"")
    assert response.headers["etag"] == '"tag"'
    for name in ("cache-control", "vary"):
        assert response.headers[name] == respond().headers[name]
