"""A JPEG as upload: it comes back smaller without loss, or unchanged if it can't be made smaller."""

import io

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.photos import file_of, photo

PIXELS = photo(320, 256, seed=3)
SIZE = {"quality": "90", "target": "size"}


def decode(jpeg: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(jpeg)) as opened:
        return np.asarray(opened)


def compressed(client: httpx.Client, data: bytes, **options: str) -> tuple[bytes, bool]:
    """Return the JPEG, and whether the header X-Passthrough says that it is the upload."""
    response = client.post("/compress", params=options, content=data)
    assert response.status_code == 200, response.text
    assert int(response.headers["x-original-bytes"]) == len(data)
    assert int(response.headers["x-compressed-bytes"]) == len(response.content)
    assert response.headers.get("x-passthrough") in {None, "true"}
    return response.content, "x-passthrough" in response.headers


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_pixels_are_kept_and_a_second_pass_keeps_every_byte(
    client: httpx.Client, subsampling: str
) -> None:
    data = file_of(PIXELS, "JPEG", quality=40, subsampling=subsampling)
    once, passthrough = compressed(client, data, **SIZE)
    assert not passthrough
    assert len(once) < len(data)
    assert np.array_equal(decode(once), decode(data))
    assert compressed(client, once, **SIZE) == (once, True)


def test_repeated_compression_reaches_a_fixed_point(client: httpx.Client) -> None:
    jpeg = file_of(PIXELS, "JPEG", quality=75)
    sizes = [len(jpeg)]
    for _ in range(12):
        jpeg, passthrough = compressed(client, jpeg)
        if passthrough:
            break
        sizes.append(len(jpeg))
    assert passthrough
    assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize(
    "options",
    [
        {},
        SIZE,
        {"quality": "40", "floor": "5", "progressive": "false", "strength": "1"},
        {"width": "200", "subsampling": "444", "heatmap": "map"},
        {"width": "120", "height": "120", "max_bytes": "3000"},
        {"metadata": "all"},
        {"metadata": "copyright"},
    ],
    ids=lambda options: "&".join(f"{name}={value}" for name, value in options.items()),
)
def test_nothing_erodes_over_six_passes(client: httpx.Client, options: dict[str, str]) -> None:
    exif = Image.Exif()
    exif[0x8298] = "a photographer"
    exif[0x0112] = 8
    first, _ = compressed(client, file_of(PIXELS, "JPEG", quality=92, exif=exif), **options)
    jpeg, passthrough = first, False
    for _ in range(5):
        jpeg, passthrough = compressed(client, jpeg, **options)
    assert jpeg == first
    assert passthrough
    assert (b"a photographer" in jpeg) == ("metadata" in options)


def test_an_option_that_changes_pixels_is_no_passthrough(client: httpx.Client) -> None:
    once, _ = compressed(client, file_of(PIXELS, "JPEG", quality=40, subsampling="4:4:4"), **SIZE)
    halved, passthrough = compressed(client, once, **SIZE, subsampling="420")
    assert not passthrough
    with Image.open(io.BytesIO(halved)) as opened:
        assert opened.layer[0][1:3] == (2, 2)  # type: ignore[attr-defined]
    capped, passthrough = compressed(client, once, **SIZE, max_bytes=str(len(once) - 1))
    assert not passthrough
    assert len(capped) < len(once)


def test_orientation_is_applied_without_loss(client: httpx.Client) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a secret"
    data = file_of(PIXELS, "JPEG", quality=40, subsampling="4:2:0", exif=exif)
    jpeg, passthrough = compressed(client, data, **SIZE)
    assert not passthrough
    assert b"secret" not in jpeg
    assert len(jpeg) < len(data)
    turned = np.rot90(decode(data), -1).astype(int)
    assert np.abs(decode(jpeg) - turned).max() <= 3


def test_other_formats_are_never_passed_through(client: httpx.Client) -> None:
    for name in ("PNG", "WEBP"):
        assert not compressed(client, file_of(photo(8, 8), name), quality="100")[1]
