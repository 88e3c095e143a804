"""AVIFs and JP2s over HTTP: the same headers, jobs and errors as JPEGs."""

import io
from typing import Any

import httpx
import pytest
from PIL import Image

from contract.images import MEDIA_TYPES, Format
from tests.integration.test_compress import parts_of
from tests.photos import file_of, photo

PHOTO = file_of(photo(320, 240, seed=3))
AVIF = {"format": "avif"}
PILLOW_NAMES: dict[Format, str] = {"avif": "AVIF", "jp2": "JPEG2000"}
of_each_format = pytest.mark.parametrize("name", PILLOW_NAMES)


def open_file(data: bytes, name: Format) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    assert picture.format == PILLOW_NAMES[name]
    picture.load()
    return picture


def post(client: httpx.Client, name: Format, **options: Any) -> httpx.Response:
    response = client.post("/compress", params={"format": name, **options}, content=PHOTO)
    assert response.status_code == 200, response.text
    return response


@of_each_format
def test_a_file_has_the_headers_of_a_jpeg(client: httpx.Client, name: Format) -> None:
    jpeg = client.post("/compress", content=PHOTO)
    response = post(client, name)
    assert open_file(response.content, name).size == (320, 240)
    assert response.headers["content-type"] == MEDIA_TYPES[name]
    assert response.headers["x-compressed-bytes"] == str(len(response.content))
    for header in ("x-reference-bytes", "x-original-bytes", "x-focus"):
        assert response.headers[header] == jpeg.headers[header]
    assert response.headers["etag"] != jpeg.headers["etag"]
    assert "x-passthrough" not in response.headers
    assert len(response.content) < int(response.headers["x-reference-bytes"])


@of_each_format
def test_each_format_is_cached_for_itself(client: httpx.Client, name: Format) -> None:
    options = {"quality": 61}
    first = post(client, name, **options)
    assert client.post("/compress", params=options, content=PHOTO).headers["content-type"] == (
        "image/jpeg"
    )
    again = post(client, name, **options)
    assert "cache" in again.headers["server-timing"]
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    unchanged = client.post(
        "/compress",
        params={"format": name, **options},
        content=PHOTO,
        headers={"If-None-Match": first.headers["etag"]},
    )
    assert unchanged.status_code == 304


@of_each_format
def test_options_mean_what_they_mean_for_jpegs(client: httpx.Client, name: Format) -> None:
    response = post(client, name, target="size", quality=60)
    assert 0.93 < len(response.content) / int(response.headers["x-reference-bytes"]) <= 1.01
    assert len(post(client, name, max_bytes=2500).content) <= 2500
    cropped = post(client, name, fit="cover", width=90, height=120)
    assert open_file(cropped.content, name).size == (90, 120)
    assert "x-crop" in cropped.headers


def test_progressive_is_of_jpegs_and_jp2s_only(client: httpx.Client) -> None:
    for name, is_same in (("avif", True), ("jp2", False)):
        files = [post(client, name, progressive=value).content for value in ("false", "true")]
        assert (files[0] == files[1]) is is_same


@of_each_format
def test_errors_name_the_option_and_the_format(client: httpx.Client, name: Format) -> None:
    for options, text in (
        ({"max_bytes": 100}, f"the smallest {name.upper()} of this photo has"),
        ({"hdr": "keep"}, "'hdr': keep needs format=jpeg"),
    ):
        response = client.post("/compress", params={"format": name, **options}, content=PHOTO)
        assert response.status_code == 422
        assert text in response.json()["detail"]


def test_a_post_does_not_choose_the_format(client: httpx.Client) -> None:
    response = client.post("/compress", params={"format": "auto"}, content=PHOTO)
    assert (response.status_code, response.json()["type"]) == (
        422,
        "urn:foveate:problem:invalid-option",
    )


@pytest.mark.parametrize("data", [PHOTO[:3000], b"GIF89a", b"\0" * 500])
def test_bad_uploads_are_refused_as_for_jpegs(client: httpx.Client, data: bytes) -> None:
    answers = [
        client.post("/compress", params={"format": name}, content=data).json()
        for name in MEDIA_TYPES
    ]
    assert answers[0] == answers[1] == answers[2]


@of_each_format
def test_heatmap_parts_and_jobs_say_the_format(client: httpx.Client, name: Format) -> None:
    response = client.post(
        "/compress",
        params={"format": name, "heatmap": "map"},
        content=PHOTO,
        headers={"Accept": "multipart/mixed"},
    )
    (kind, first), (heatmap_kind, _) = parts_of(response)
    assert (kind, heatmap_kind) == (MEDIA_TYPES[name], "image/png")
    open_file(first, name)
    job = client.post(
        "/compress", params={"format": name}, content=PHOTO, headers={"Accept": "application/json"}
    ).json()
    assert job["result"]["format"] == name
    image = client.get(job["links"]["image"])
    assert image.headers["content-type"] == MEDIA_TYPES[name]
    open_file(image.content, name)


@of_each_format
def test_a_form_takes_the_format(client: httpx.Client, name: Format) -> None:
    response = client.post("/compress", data={"format": name}, files={"file": ("a.jpg", PHOTO)})
    assert response.headers["content-type"] == MEDIA_TYPES[name]


def test_a_jp2_is_no_upload(client: httpx.Client) -> None:
    response = client.post("/compress", content=post(client, "jp2").content)
    assert response.status_code == 415


def test_an_avif_of_ours_comes_back_as_it_is(client: httpx.Client) -> None:
    first = post(client, "avif", quality=50).content
    again = client.post("/compress", params={**AVIF, "quality": 50}, content=first)
    assert again.content == first
    assert again.headers["x-passthrough"] == "true"
    for options in (
        {"quality": 40},
        {"quality": 50, "width": 160},
        {"quality": 50, "metadata": "all"},
    ):
        other = client.post("/compress", params={**AVIF, **options}, content=first)
        assert other.content != first
        assert "x-passthrough" not in other.headers
    as_jpeg = client.post("/compress", params={"quality": 50}, content=first)
    assert as_jpeg.headers["content-type"] == "image/jpeg"
