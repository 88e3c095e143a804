"""Each option of the encoder does over HTTP what docs/api.md says."""

import base64
import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from redis import Redis

from tests.integration.conftest import TTL_S
from tests.integration.running import Running, metric, wait_until_no_jobs
from tests.integration.test_compress import parts_of
from tests.photos import file_of, photo, psnr, standard_jpeg
from tests.worker.image.ultra_hdr import UltraHdr, read_with_libultrahdr

ALL_PARTS = {"Accept": "multipart/mixed"}
PIXELS = photo(320, 240, seed=3)
PHOTO = file_of(PIXELS)


def compressed(client: httpx.Client, data: bytes = PHOTO, **options: Any) -> bytes:
    """Return the JPEG, after checking it against its headers."""
    response = client.post("/compress", params=options, content=data)
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "image/jpeg"
    assert int(response.headers["x-compressed-bytes"]) == len(response.content)
    assert int(response.headers["x-reference-bytes"]) == len(
        standard_jpeg(PIXELS, options.get("quality", 75))
    )
    return response.content


def frame_of(jpeg: bytes) -> str:
    """Return the marker of the frame (T.81, table B.1): SOF0 is baseline, SOF2 progressive."""
    at = 2
    while not 0xC0 <= jpeg[at + 1] <= 0xC3:
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    return f"SOF{jpeg[at + 1] - 0xC0}"


def psnr_of(jpeg: bytes) -> float:
    """Return the PSNR against the upload, in dB."""
    with Image.open(io.BytesIO(jpeg)) as opened:
        return psnr(np.asarray(opened), PIXELS)


def test_by_default_the_target_is_quality_and_the_file_progressive(client: httpx.Client) -> None:
    jpeg = compressed(client)
    assert frame_of(jpeg) == "SOF2"
    assert len(jpeg) < 0.95 * len(standard_jpeg(PIXELS, 75))
    explicit = {"quality": 75, "target": "quality", "strength": 0.6, "floor": 40}
    assert jpeg == compressed(
        client, **explicit, subsampling="auto", progressive="true", heatmap="none"
    )


@pytest.mark.parametrize("quality", [1, 30, 75, 92, 100])
def test_target_quality_never_takes_more_than_the_reference(
    client: httpx.Client, quality: int
) -> None:
    assert len(compressed(client, quality=quality)) <= len(standard_jpeg(PIXELS, quality))


def test_target_size_uses_the_bytes_of_the_reference(client: httpx.Client) -> None:
    for progressive in ("true", "false"):
        jpeg = compressed(client, quality=50, target="size", progressive=progressive)
        assert abs(len(jpeg) / len(standard_jpeg(PIXELS, 50)) - 1) <= 0.01


@pytest.mark.parametrize("target", ["size", "quality"])
def test_max_bytes_is_used_and_never_exceeded(client: httpx.Client, target: str) -> None:
    for max_bytes in (2000, 3001):
        jpeg = compressed(client, quality=90, target=target, max_bytes=max_bytes)
        assert 0.96 * max_bytes < len(jpeg) <= max_bytes
        assert Image.open(io.BytesIO(jpeg)).size == (320, 240)
    plain = compressed(client, quality=90, target=target)
    assert plain == compressed(client, quality=90, target=target, max_bytes=2**53 - 1)


def test_a_higher_floor_costs_bytes_and_improves_the_background(client: httpx.Client) -> None:
    low, high = (compressed(client, quality=80, strength=1, floor=floor) for floor in (5, 78))
    assert len(low) < len(high)
    assert psnr_of(low) < psnr_of(high)
    assert compressed(client, quality=80, floor=45) == compressed(client, quality=80)


def test_tune_chooses_the_constants(client: httpx.Client) -> None:
    assert compressed(client, tune="perceptual") == compressed(client)
    assert compressed(client, tune="psnr") != compressed(client)


def test_progressive_chooses_the_frame(client: httpx.Client) -> None:
    assert frame_of(compressed(client, progressive="true")) == "SOF2"
    assert frame_of(compressed(client, progressive="false")) == "SOF0"


def test_subsampling_is_that_of_the_file(client: httpx.Client) -> None:
    for subsampling, luma_factors in (("420", 2), ("444", 1), ("auto", 2)):
        with Image.open(io.BytesIO(compressed(client, subsampling=subsampling))) as opened:
            assert opened.layer[0][1:3] == (luma_factors, luma_factors)  # type: ignore[attr-defined]


def test_form_fields_are_read_like_query_parameters(client: httpx.Client) -> None:
    for options in (
        {"target": "size", "progressive": "false"},
        {"quality": "90", "max_bytes": "2500", "subsampling": "444"},
        {"floor": "70", "strength": "1", "tune": "psnr"},
    ):
        query = client.post("/compress", params=options, content=PHOTO)
        form = client.post("/compress", files={"file": PHOTO}, data=options)
        assert query.status_code == form.status_code == 200
        assert query.content == form.content
    for wrong in ({"max_bytes": "0"}, {"floor": "text"}, {"progressive": "maybe"}):
        response = client.post("/compress", files={"file": PHOTO}, data=wrong)
        assert response.status_code == 422
        assert response.json()["type"].endswith("invalid-option")


def test_an_unreachable_max_bytes_is_refused_with_the_smallest_size(client: httpx.Client) -> None:
    refused = client.post("/compress", params={"max_bytes": 1}, content=PHOTO)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    document = refused.json()
    assert document["type"] == "urn:foveate:problem:max-bytes-out-of-reach"
    assert document["detail"].startswith("max_bytes is 1; the smallest JPEG of this photo has ")
    smallest_bytes = int(document["detail"].split()[-2])
    assert len(compressed(client, max_bytes=smallest_bytes)) == smallest_bytes


def test_an_unreachable_max_bytes_affects_no_other_photo(
    service: Running, client: httpx.Client, redis_of_service: Redis
) -> None:
    expected = compressed(client, target="size")
    items = metric(service.url, "foveate_batch_size_sum")

    def post(number: int) -> httpx.Response:
        options = {"max_bytes": 100} if number % 2 else {"target": "size"}
        # Equal uploads share one job unless the cache is refused.
        headers = {"Cache-Control": "no-store"}
        return client.post("/compress", params=options, content=PHOTO, headers=headers)

    with ThreadPoolExecutor(24) as pool:
        responses = list(pool.map(post, range(24)))
    for number, response in enumerate(responses):
        if number % 2:
            assert response.status_code == 422
            assert response.json()["type"].endswith("max-bytes-out-of-reach")
        else:
            assert response.content == expected
    # Each ran once: a retry would be one more item.
    assert metric(service.url, "foveate_batch_size_sum") - items == 24
    assert not redis_of_service.exists("rq:failed:foveate")
    wait_until_no_jobs(redis_of_service, TTL_S + 30)


def test_width_and_height_limit_the_photo_and_its_reference(client: httpx.Client) -> None:
    for name in ("PNG", "JPEG", "AVIF"):
        data = file_of(PIXELS, name)
        params = {"width": 100, "height": 60, "heatmap": "map", "target": "size"}
        response = client.post("/compress", params=params, content=data, headers=ALL_PARTS)
        (_, jpeg), (_, heatmap) = parts_of(response)
        for picture in (jpeg, heatmap):
            with Image.open(io.BytesIO(picture)) as opened:
                assert opened.size == (80, 60)
        assert int(response.headers["x-reference-bytes"]) < len(standard_jpeg(PIXELS, 75)) / 4


@pytest.mark.parametrize("name", ["PNG", "JPEG", "AVIF"])
def test_a_crop_has_its_sides_and_says_where_it_was(client: httpx.Client, name: str) -> None:
    data = file_of(PIXELS, name)
    params = {"width": 90, "height": 160, "fit": "cover", "heatmap": "classes"}
    for _ in range(2):  # the second is cached
        response = client.post("/compress", params=params, content=data, headers=ALL_PARTS)
        (_, jpeg), (_, heatmap) = parts_of(response)
        for picture in (jpeg, heatmap):
            with Image.open(io.BytesIO(picture)) as opened:
                assert opened.size == (90, 160)
        x, y, width, height = map(float, response.headers["x-crop"].split(","))
        assert (y, height) == (0, 1)
        assert width == pytest.approx(90 / 160 * 240 / 320, abs=0.005)
        assert 0 <= x <= 1 - width
        focus = [float(share) for share in response.headers["x-focus"].split(",")]
        assert all(0 <= share <= 1 for share in focus)
    json_only = {"Accept": "application/json"}
    document = client.post("/compress", params=params, content=data, headers=json_only).json()
    assert document["result"]["crop"] == {"x": x, "y": 0, "width": width, "height": 1}
    assert document["result"]["focus"] == dict(zip("xy", focus, strict=True))
    assert isinstance(document["result"]["regions"], list)
    assert len(base64.b64decode(document["result"]["thumbhash"])) > 15
    assert client.get(document["links"]["self"]).json()["result"] == document["result"]


def test_gravity_chooses_the_part_and_is_part_of_the_key(client: httpx.Client) -> None:
    options = {"width": 120, "height": 240, "fit": "cover"}
    tags = set()
    for gravity, left in (("west", 0), ("east", 200), ("0.5,0.5", 100)):
        params = {**options, "gravity": gravity, "quality": 95}
        response = client.post("/compress", params=params, content=PHOTO)
        assert response.headers["x-crop"] == f"{left / 320:g},0,0.375,1"
        with Image.open(io.BytesIO(response.content)) as opened:
            assert psnr(np.asarray(opened), PIXELS[:, left : left + 120]) > 30
        tags.add(response.headers["etag"])
        form = client.post("/compress", files={"file": PHOTO}, data=params)
        assert form.content == response.content
    assert len(tags) == 3


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"fit": "cover"}, "'fit': cover needs both width and height"),
        ({"fit": "cover", "width": 9}, "'fit': cover needs both width and height"),
        ({"fit": "fill"}, "'fit'"),
        ({"gravity": "nan,0.5"}, "'gravity'"),
        ({"gravity": "0.5,1.5", "fit": "cover", "width": 9, "height": 9}, "'gravity'"),
    ],
)
def test_a_wrong_crop_is_refused(client: httpx.Client, options: dict[str, Any], named: str) -> None:
    for refused in (
        client.post("/compress", params=options, content=PHOTO),
        client.post("/compress", files={"file": PHOTO}, data=options),
    ):
        assert refused.status_code == 422
        assert refused.json()["type"].endswith("invalid-option")
        assert named in refused.json()["detail"]


def test_metadata_is_kept_as_requested(client: httpx.Client) -> None:
    exif = Image.Exif()
    exif[0x8298] = "(c) Someone"
    exif[0x010E] = "a secret"
    exif[0x0112] = 3
    data = file_of(PIXELS, "JPEG", exif=exif)
    for metadata, expected in (
        ("none", {}),
        ("copyright", {0x8298: "(c) Someone"}),
        ("all", {0x8298: "(c) Someone", 0x010E: "a secret", 0x0112: 1}),
    ):
        response = client.post("/compress", params={"metadata": metadata}, content=data)
        with Image.open(io.BytesIO(response.content)) as opened:
            assert dict(opened.getexif()) == expected
        assert int(response.headers["x-compressed-bytes"]) == len(response.content)


def test_metadata_that_does_not_fit_max_bytes_is_refused(client: httpx.Client) -> None:
    exif = Image.Exif()
    exif[0x010E] = "x" * 5000
    data = file_of(PIXELS, "JPEG", exif=exif)
    params = {"metadata": "all", "max_bytes": 4000}
    refused = client.post("/compress", params=params, content=data)
    assert refused.status_code == 422
    assert refused.json()["type"].endswith("max-bytes-out-of-reach")


def test_a_gain_map_is_kept_as_requested(client: httpx.Client) -> None:
    data = UltraHdr(photo=PIXELS).write()
    plain = client.post("/compress", content=data).content
    assert b"hdrgm" not in plain
    response = client.post("/compress", params={"hdr": "keep", "width": 160}, content=data)
    kept, _ = read_with_libultrahdr(response.content)
    assert kept.shape == (30, 40)
    assert int(response.headers["x-compressed-bytes"]) == len(response.content)
    again = client.post("/compress", params={"hdr": "keep", "width": 160}, content=response.content)
    assert again.content == response.content
    assert again.headers["x-passthrough"] == "true"
    assert again.headers["etag"] != response.headers["etag"]


def test_a_gain_map_that_does_not_fit_max_bytes_is_refused(client: httpx.Client) -> None:
    data = UltraHdr(photo=PIXELS).write()
    refused = client.post("/compress", params={"hdr": "keep", "max_bytes": 2000}, content=data)
    assert refused.status_code == 422
    assert refused.json()["type"].endswith("max-bytes-out-of-reach")
    assert "gain map" in refused.json()["detail"]
