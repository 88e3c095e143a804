"""Bytes and passes of the Kodak photos, which are in FOVEATE_DATA or ../shared/data."""

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import codec
from tests.codec.pictures import spot

DATA = Path(os.environ.get("FOVEATE_DATA") or Path(__file__).parents[4] / "shared" / "data")
QUALITIES, STRENGTHS = [1, 25, 50, 75, 97], [0.0, 0.6, 1.0]
PHOTOS = sorted((DATA / "kodak").glob("*.png"))

pytestmark = [
    pytest.mark.data,
    pytest.mark.skipif(not PHOTOS, reason="no Kodak photos under FOVEATE_DATA"),
]


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("strength", STRENGTHS)
def test_every_photo_has_the_bytes_of_the_reference(quality: int, strength: float) -> None:
    # A third of the photos, so that each is encoded once at every quality.
    first = (QUALITIES.index(quality) + STRENGTHS.index(strength)) % len(STRENGTHS)
    for path in PHOTOS[first :: len(STRENGTHS)]:
        check_bytes(path, codec.EncodeSettings(quality, strength))


def test_every_progressive_file_has_the_bytes_of_the_reference() -> None:
    for path in PHOTOS:
        check_bytes(path, codec.EncodeSettings(75, progressive=True))


def check_bytes(path: Path, settings: codec.EncodeSettings) -> None:
    with Image.open(path) as opened:
        image = np.asarray(opened.convert("RGB"))
    result = codec.encode(image, spot(48, 48), settings)
    assert 0.99 <= len(result.jpeg) / result.reference_bytes <= 1.01, path.name
    # At quality 1 nearly all steps are 255, and few tables remain to choose from.
    assert result.passes <= (20 if settings.quality == 1 else 14), path.name
    with Image.open(io.BytesIO(result.jpeg)) as decoded:
        decoded.load()
        assert ("progressive" in decoded.info) == settings.progressive, path.name
