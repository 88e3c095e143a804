"""Reoriented coefficients show what the reoriented image shows, and can be written like others."""

import numpy as np
import pytest
from PIL import Image, ImageOps

from codec.jpeg.decode.coefficients import read_source
from codec.jpeg.decode.marker_segments import UnreadableSourceError
from codec.jpeg.decode.orientation import apply_orientation
from codec.jpeg.transcode.lossless import rewrite
from tests.codec.jpegs import pillow_jpeg, restored_luma, shown_luma, shown_pixels
from tests.codec.pictures import scene


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Return the pixels as Pillow shows them with EXIF's `orientation`."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(pixels.astype(np.uint8))
    image.info["exif"] = exif.tobytes()
    transposed = ImageOps.exif_transpose(image)
    assert transposed is not None
    return np.asarray(transposed)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_samples_are_those_of_the_reoriented_image(orientation: int, subsampling: str) -> None:
    data = pillow_jpeg(scene(48, 80), quality=90, subsampling=subsampling)
    source = apply_orientation(read_source(data), orientation)
    expected = upright(shown_luma(data), orientation).astype(int)
    assert (source.height, source.width) == expected.shape
    assert np.abs(restored_luma(source) - expected).max() <= 1
    assert source.is_reoriented == (orientation > 1)
    # libjpeg's upsampling of 4:2:0 and 4:2:2 is symmetric except for its rounding.
    written = shown_pixels(rewrite(source, progressive=False)).astype(int)
    assert np.abs(written - upright_rgb(data, orientation)).max() <= 3


def upright_rgb(data: bytes, orientation: int) -> np.ndarray:
    return upright(shown_pixels(data), orientation).astype(int)


@pytest.mark.parametrize(
    ("orientation", "size", "whole"),
    [
        (2, (41, 48), True),
        (2, (48, 41), False),
        (3, (41, 48), False),
        (4, (48, 41), True),
        (5, (41, 43), True),
        (6, (48, 41), True),
        (6, (41, 48), False),
        (7, (48, 41), False),
        (8, (41, 48), True),
        (8, (48, 41), False),
    ],
)
def test_a_mirrored_side_must_be_whole_mcus(
    orientation: int, size: tuple[int, int], *, whole: bool
) -> None:
    data = pillow_jpeg(scene(*size), quality=90, subsampling="4:2:0")
    if whole:
        expected = upright(shown_luma(data), orientation).astype(int)
        assert (
            np.abs(
                restored_luma(apply_orientation(read_source(data), orientation)) - expected
            ).max()
            <= 1
        )
    else:
        with pytest.raises(UnreadableSourceError):
            apply_orientation(read_source(data), orientation)


def test_two_opposite_rotations_give_the_same_coefficients() -> None:
    source = read_source(pillow_jpeg(scene(32, 64), quality=90, subsampling="4:2:0"))
    restored = apply_orientation(apply_orientation(source, 6), 8)
    assert all(np.array_equal(a, b) for a, b in zip(source.qcoefs, restored.qcoefs, strict=True))
    assert all(
        np.array_equal(a, b)
        for a, b in zip(source.quant_tables, restored.quant_tables, strict=True)
    )
