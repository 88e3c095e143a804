"""Heatmaps have the photo's proportions and a limited size."""

import io

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

import codec
from tests.photos import file_of, photo
from worker.image.heatmap import MAX_SIDE_PX, render_map, render_overlay, render_photo

SALIENCY = np.zeros((6, 8), np.float32)
SALIENCY[2:4, 5:7] = 1.0


def test_the_map_is_a_greyscale_png_of_the_photos_size() -> None:
    blob, media_type = render_map(SALIENCY, (320, 240))
    shown = Image.open(io.BytesIO(blob))
    assert (media_type, shown.format, shown.mode, shown.size) == (
        "image/png",
        "PNG",
        "L",
        (320, 240),
    )
    pixels = np.asarray(shown)
    assert pixels[120, 240] > 200
    assert pixels[10, 10] == 0


def test_the_map_of_a_large_photo_has_a_limited_size() -> None:
    blob, _ = render_map(SALIENCY, (6000, 3000))
    assert Image.open(io.BytesIO(blob)).size == (MAX_SIDE_PX, MAX_SIDE_PX // 2)


def test_extreme_shapes_keep_at_least_one_pixel() -> None:
    blob, _ = render_map(SALIENCY, (60_000, 1))
    assert Image.open(io.BytesIO(blob)).size == (MAX_SIDE_PX, 1)


def test_the_overlay_is_warm_where_the_map_is_high() -> None:
    for pixels in (photo(320, 240), photo(320, 240)[..., 0]):
        blob, media_type = render_overlay(SALIENCY, pixels)
        shown = np.asarray(Image.open(io.BytesIO(blob))).astype(int)
        assert media_type == "image/jpeg"
        assert shown.shape == (240, 320, 3)
        hot, cold = shown[100:140, 215:265].mean(axis=(0, 1)), shown[:40, :40].mean(axis=(0, 1))
        assert hot[0] - hot[2] > 30
        assert hot.mean() > cold.mean()


@pytest.mark.parametrize("share", range(6))
def test_the_overlay_has_the_colours_of_inferno(share: int) -> None:
    level = np.full((6, 8), share / 5, np.float32)
    blob, _ = render_overlay(level, np.zeros((64, 64, 3), np.uint8))
    shown = np.asarray(Image.open(io.BytesIO(blob))).astype(int)
    expected = 0.55 * 255 * np.array(colormaps["inferno"](share / 5)[:3])
    assert np.abs(shown.mean(axis=(0, 1)) - expected).max() < 3


def test_the_overlay_shows_the_photo_in_grey_below() -> None:
    blob, _ = render_overlay(np.zeros((6, 8), np.float32), np.full((64, 64, 3), 200, np.uint8))
    shown = np.asarray(Image.open(io.BytesIO(blob))).astype(int)
    assert np.abs(shown.mean(axis=(0, 1)) - 0.45 * 200).max() < 4


def test_the_overlay_of_a_large_photo_has_a_limited_size() -> None:
    assert MAX_SIDE_PX == 1024
    blob, _ = render_overlay(SALIENCY, np.zeros((40, 2000, 3), np.uint8))
    assert Image.open(io.BytesIO(blob)).size == (1024, 20)


@pytest.mark.parametrize("size_px", [(320, 240), (1500, 1100), (2200, 700)])
def test_the_overlay_of_coefficients_is_that_of_pixels(size_px: tuple[int, int]) -> None:
    data = file_of(photo(*size_px), "JPEG", quality=90)
    overlays = [
        np.asarray(Image.open(io.BytesIO(render_overlay(SALIENCY, pixels)[0]))).astype(int)
        for pixels in (
            render_photo(codec.read_source(data)),
            np.asarray(Image.open(io.BytesIO(data))),
        )
    ]
    assert overlays[0].shape == overlays[1].shape
    assert np.abs(overlays[0] - overlays[1]).mean() < 2
