"""A JPEG is not decoded to pixels where its coefficients are enough."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import worker.image.formats.jpeg.reader
from contract.errors import CorruptImageError
from contract.messages import Options
from tests.photos import file_of, photo
from tests.worker.image.colour_profiles import display_p3
from worker.image.decode import Photo, decode
from worker.image.metadata.segments import LONGEST_PROFILE_BYTES

LIMIT_PX = 1_000_000
PIXELS = photo(240, 160)
JPEG = file_of(PIXELS, "JPEG", quality=90)
# Too long to be kept.
LONG_PROFILE = (LONGEST_PROFILE_BYTES + 4).to_bytes(4, "big") + (
    display_p3()[4:].ljust(LONGEST_PROFILE_BYTES, b"\0")
)


def read(data: bytes, **options: Any) -> Photo:
    """Return a photo whose network input has half of its sides."""
    return decode(
        data, LIMIT_PX, Options(**options), lambda width, height: (height // 2, width // 2)
    )


def turned(orientation: int, pixels: NDArray[np.uint8] = PIXELS) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return file_of(pixels, "JPEG", quality=90, exif=exif)


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (JPEG, {}),
        (file_of(PIXELS, "JPEG", progressive=True), {}),
        (file_of(PIXELS[..., 0], "JPEG"), {}),
        (JPEG[:-2], {}),
        (JPEG + b"a motion photo", {}),
        (turned(6), {}),
        (JPEG, {"heatmap": "overlay"}),
        (JPEG, {"heatmap": "map", "hdr": "keep", "width": 240, "height": 500}),
        (file_of(PIXELS, "JPEG", icc_profile=display_p3()), {"metadata": "all"}),
    ],
    ids=[
        *("baseline", "progressive", "grey", "without EOI", "data behind EOI", "turned"),
        *("overlay", "options", "own profile"),
    ],
)
def test_a_jpeg_whose_pixels_nobody_asks_for_is_not_decoded(
    monkeypatch: pytest.MonkeyPatch, data: bytes, options: dict[str, Any]
) -> None:
    expected = decode(data, LIMIT_PX, Options(**options))

    def refuse(*_: object) -> Image.Image:
        raise AssertionError("the JPEG is decoded")

    monkeypatch.setattr(worker.image.formats.jpeg.reader, "decode", refuse)
    found = read(data, **options)
    assert found.source is not None
    assert found.size_px == expected.size_px == (found.source.width, found.source.height)
    assert found.image.size == tuple(side // 2 for side in found.size_px)
    assert found.segments == expected.segments
    shown = np.asarray(expected.image.resize(found.image.size, Image.Resampling.BILINEAR))
    assert np.abs(np.asarray(found.image).astype(int) - shown).mean() < 3


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (JPEG, {"width": 239}),
        (turned(6), {"width": 159}),
        (file_of(PIXELS, "JPEG", icc_profile=display_p3()), {}),
        (file_of(PIXELS, "JPEG", icc_profile=LONG_PROFILE), {"metadata": "all"}),
        (file_of(Image.fromarray(PIXELS).convert("CMYK"), "JPEG"), {}),
        (JPEG[:-2] + bytes(5) + JPEG[-2:], {}),
        (turned(4, PIXELS[:-1]), {}),
        (file_of(PIXELS), {}),
    ],
    ids=[
        *("smaller", "turned and smaller", "other colours", "long profile", "CMYK", "damaged"),
        *("mirrored padding", "PNG"),
    ],
)
def test_pixels_are_decoded_where_they_are_needed(data: bytes, options: dict[str, Any]) -> None:
    expected = decode(data, LIMIT_PX, Options(**options))
    found = read(data, **options)
    assert found.source is None
    assert found.size_px == found.image.size
    assert np.array_equal(np.asarray(found.image), np.asarray(expected.image))


def test_a_truncated_jpeg_is_refused() -> None:
    for data in (JPEG, file_of(PIXELS, "JPEG", progressive=True)):
        for length in (len(data) - 3, len(data) - 40, len(data) // 2):
            with pytest.raises(CorruptImageError):
                read(data[:length])
