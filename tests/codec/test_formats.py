"""Every format behind the same interface."""

import io
from typing import get_args

import numpy as np
import pytest
from PIL import Image

import codec
from codec.formats import FORMATS, FormatName
from contract.images import MEDIA_TYPES
from tests.codec.pictures import scene, spot

PHOTO = scene(160, 240)


def test_the_formats_are_those_of_the_interface() -> None:
    assert set(FORMATS) == set(get_args(FormatName)) == set(MEDIA_TYPES)


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_takes_an_image_a_map_and_settings(name: FormatName) -> None:
    settings = codec.EncodeSettings(quality=60, target="quality")
    encoded = FORMATS[name].encode(PHOTO, spot(20, 30), settings, reference_bytes=10_000)
    assert encoded.reference_bytes == 10_000
    assert encoded.passes >= 1
    with Image.open(io.BytesIO(encoded.data)) as opened:
        assert Image.MIME[str(opened.format)] == MEDIA_TYPES[name]
        assert np.asarray(opened.convert("RGB")).shape == PHOTO.shape


@pytest.mark.parametrize("name", FORMATS)
def test_a_side_that_is_too_long_is_refused(name: FormatName) -> None:
    image = np.zeros((FORMATS[name].max_side_px + 1, 1), np.uint8)
    with pytest.raises(ValueError, match=str(FORMATS[name].max_side_px)):
        FORMATS[name].encode(image, None, codec.EncodeSettings())
