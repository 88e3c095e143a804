"""Previews are nearly what a triangle filter makes of the decoded pixels."""

import numpy as np
import pytest
from PIL import Image

from codec.jpeg.decode.coefficients import read_source
from codec.jpeg.transcode.preview import render_preview
from tests.codec.jpegs import pillow_jpeg, shown_pixels
from tests.codec.pictures import scene

SCENE = scene(256, 384)


def scale(pixels: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
    """Return pixels scaled by Pillow."""
    return np.asarray(Image.fromarray(pixels).resize(size_px, Image.Resampling.BILINEAR))


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
@pytest.mark.parametrize(
    "size_px", [(240, 160), (224, 160), (360, 192), (96, 64), (48, 32), (10, 9)]
)
def test_a_preview_shows_the_photo(subsampling: str, size_px: tuple[int, int]) -> None:
    upload = pillow_jpeg(SCENE, quality=90, subsampling=subsampling)
    preview = render_preview(read_source(upload), size_px)
    expected = scale(shown_pixels(upload), size_px).astype(int)
    assert np.abs(scale(preview, size_px) - expected).mean() < 3.5


def test_a_preview_is_the_smallest_that_covers_the_size() -> None:
    source = read_source(pillow_jpeg(SCENE, subsampling="4:2:0"))
    sizes = {
        (240, 160): (160, 240),
        (241, 160): (192, 288),
        (30, 20): (32, 48),
        (999, 9): (256, 384),
    }
    for size_px, sides in sizes.items():
        assert render_preview(source, size_px).shape == (*sides, 3)


def test_a_preview_of_its_size_has_no_more_detail_than_a_scaled_photo() -> None:
    upload = pillow_jpeg(scene(256, 384, seed=3), quality=95, subsampling="4:4:4")
    preview = render_preview(read_source(upload), (240, 160)).astype(np.float64)
    expected = scale(shown_pixels(upload), (240, 160)).astype(np.float64)
    detail = [np.square(np.diff(pixels, axis=1)).mean() for pixels in (preview, expected)]
    assert detail[0] == pytest.approx(detail[1], rel=0.1)


@pytest.mark.parametrize("sides", [(1, 1), (5, 70), (70, 5), (17, 33)])
def test_any_sides_have_a_preview(sides: tuple[int, int]) -> None:
    for image in (scene(*sides), np.ascontiguousarray(scene(*sides)[..., 0])):
        upload = pillow_jpeg(image, quality=95, subsampling="4:2:0")
        preview = render_preview(read_source(upload), (96, 96))
        assert preview.shape == image.shape
        assert np.abs(preview.astype(int) - shown_pixels(upload)).mean() < 12


def test_a_preview_of_one_colour_has_this_colour() -> None:
    source = read_source(pillow_jpeg(np.full((100, 200, 3), (250, 40, 90), np.uint8), quality=95))
    for width in (20, 60, 120, 200):
        preview = render_preview(source, (width, width // 2))
        assert np.abs(preview.astype(int) - (250, 40, 90)).max() <= 4
