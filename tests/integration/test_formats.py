"""AVIFs over HTTP: the same headers, jobs and errors as JPEGs."""

import io
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.integration.test_compress import parts_of
from tests.photos import file_of, photo

PHOTO = file_of(photo(320, 240, seed=3))
AVIF = {"format": "avif"}
BROWSER = {"Accept": "image/avif,image/webp,image/*,*/*;q=0.8"}


def open_avif(data: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(data))
    assert picture.format == "AVIF"
    picture.load()
    return picture


def post(client: httpx.Client, **options: Any) -> httpx.Response:
    response = client.post("/compress", params={**AVIF, **options}, content=PHOTO)
    assert response.status_code == 200, response.text
    return response


def test_an_avif_has_the_headers_of_a_jpeg(client: httpx.Client) -> None:
    jpeg = client.post("/compress", content=PHOTO)
    response = post(client)
    assert open_avif(response.content).size == (320, 240)
    assert response.headers["content-type"] == "image/avif"
    assert response.headers["x-compressed-bytes"] == str(len(response.content))
    for name in ("x-reference-bytes", "x-original-bytes", "x-focus"):
        assert response.headers[name] == jpeg.headers[name]
    assert response.headers["etag"] != jpeg.headers["etag"]
    assert "x-passthrough" not in response.headers
    assert len(response.content) < int(response.headers["x-reference-bytes"])


def test_each_format_is_cached_for_itself(client: httpx.Client) -> None:
    options = {"quality": 61}
    first = post(client, **options)
    assert client.post("/compress", params=options, content=PHOTO).headers["content-type"] == (
        "image/jpeg"
    )
    again = post(client, **options)
    assert "cache" in again.headers["server-timing"]
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    unchanged = client.post(
        "/compress",
        params={**AVIF, **options},
        content=PHOTO,
        headers={"If-None-Match": first.headers["etag"]},
    )
    assert unchanged.status_code == 304


def test_options_mean_what_they_mean_for_jpegs(client: httpx.Client) -> None:
    response = post(client, target="size", quality=60)
    assert 0.93 < len(response.content) / int(response.headers["x-reference-bytes"]) <= 1.01
    assert len(post(client, max_bytes=2500).content) <= 2500
    cropped = post(client, fit="cover", width=90, height=120)
    assert open_avif(cropped.content).size == (90, 120)
    assert "x-crop" in cropped.headers
    # Of a JPEG only; of an AVIF they change nothing.
    assert post(client, progressive="false").content == post(client).content


def test_errors_name_the_option_and_the_format(client: httpx.Client) -> None:
    for options, text in (
        ({"max_bytes": 100}, "the smallest AVIF of this photo has"),
        ({"hdr": "keep"}, "'hdr': keep needs format=jpeg"),
    ):
        response = client.post("/compress", params={**AVIF, **options}, content=PHOTO)
        assert response.status_code == 422
        assert text in response.json()["detail"]
    response = client.post("/compress", params={"format": "auto"}, content=PHOTO)
    assert (response.status_code, response.json()["type"]) == (
        422,
        "urn:foveate:problem:invalid-option",
    )


@pytest.mark.parametrize("data", [PHOTO[:3000], b"GIF89a", b"\0" * 500])
def test_bad_uploads_are_refused_as_for_jpegs(client: httpx.Client, data: bytes) -> None:
    answers = [
        client.post("/compress", params={"format": name}, content=data).json()
        for name in ("jpeg", "avif")
    ]
    assert answers[0] == answers[1]


def test_heatmap_parts_and_jobs_say_the_format(client: httpx.Client) -> None:
    response = client.post(
        "/compress",
        params={**AVIF, "heatmap": "map"},
        content=PHOTO,
        headers={"Accept": "multipart/mixed"},
    )
    (kind, first), (heatmap_kind, _) = parts_of(response)
    assert (kind, heatmap_kind) == ("image/avif", "image/png")
    open_avif(first)
    job = client.post(
        "/compress", params=AVIF, content=PHOTO, headers={"Accept": "application/json"}
    ).json()
    assert job["result"]["format"] == "avif"
    image = client.get(job["links"]["image"])
    assert image.headers["content-type"] == "image/avif"
    open_avif(image.content)


def test_a_form_takes_the_format(client: httpx.Client) -> None:
    response = client.post("/compress", data=AVIF, files={"file": ("a.jpg", PHOTO)})
    assert response.headers["content-type"] == "image/avif"


def test_an_avif_of_ours_comes_back_as_it_is(client: httpx.Client) -> None:
    first = post(client, quality=50).content
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
