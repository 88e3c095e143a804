"""Heatmaps have the photo's proportions, a limited size, and the colours that the docs say."""

import io
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import codec
from tests.photos import file_of, photo
from worker.image.heatmap import (
    CLASS_COLOURS,
    CLASS_OPACITY,
    MAX_SIDE_PX,
    OVERLAY_COLOURS,
    render_classes,
    render_map,
    render_overlay,
    render_photo,
)
from worker.image.regions import ClassMaps

SALIENCY = np.zeros((6, 8), np.float32)
SALIENCY[2:4, 5:7] = 1.0
BLUE, VIOLET, PINK, ORANGE, YELLOW = OVERLAY_COLOURS


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


def show_overlay(saliency: NDArray[np.float32], pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the pixels of an overlay."""
    blob, media_type = render_overlay(saliency, pixels)
    assert media_type == "image/jpeg"
    return np.asarray(Image.open(io.BytesIO(blob))).astype(np.int64)


def test_the_overlay_is_warm_where_the_map_is_high() -> None:
    for pixels in (photo(320, 240), photo(320, 240)[..., 0]):
        shown = show_overlay(SALIENCY, pixels)
        assert shown.shape == (240, 320, 3)
        hot, cold = shown[100:140, 215:265].mean(axis=(0, 1)), shown[:40, :40].mean(axis=(0, 1))
        assert hot[0] - hot[2] > cold[0] - cold[2] + 30
        assert hot.mean() > cold.mean()


# From left to right each value is smaller than the next one, as in a map of one eye.
SLOPE = np.tile(np.geomspace(1e-4, 1, 64, dtype=np.float32), (48, 1))


@pytest.mark.parametrize("level", [0, 255])
def test_the_colours_of_the_overlay_share_the_area(level: int) -> None:
    shown = show_overlay(SLOPE, np.full((96, 512, 3), level, np.uint8))
    for share, colour in ((0.25, VIOLET), (0.5, PINK), (0.75, ORANGE)):
        column = shown[:, round(512 * share)].mean(axis=0)
        assert np.abs(column - (0.6 * level + 0.4 * np.array(colour))).max() < 6, share
    for column, colour in ((shown[:, 0], BLUE), (shown[:, -1], YELLOW)):
        assert np.abs(column.mean(axis=0) - (0.6 * level + 0.4 * np.array(colour))).max() < 12


def test_the_overlay_shows_the_ranks_by_which_the_encoder_goes() -> None:
    ranks = codec.rank_blocks(SLOPE, 12, 64).ranks[0]
    shown = show_overlay(SLOPE, np.zeros((96, 512, 3), np.uint8)).mean(axis=0)
    reds = np.interp(ranks, np.linspace(0, 1, 5), [c[0] for c in OVERLAY_COLOURS])
    assert np.abs(shown[4::8, 0] - 0.4 * reds).max() < 8


@pytest.mark.parametrize("name", ["dark", "bright"])
def test_the_photo_can_be_recognised_under_the_overlay(name: str) -> None:
    lowest, highest = {"dark": (5, 60), "bright": (200, 250)}[name]
    pixels = np.where(np.indices((96, 512)).sum(axis=0) // 16 % 2, lowest, highest)
    shown = show_overlay(SLOPE, pixels.astype(np.uint8)).mean(axis=2)
    is_low = pixels == lowest
    for x in range(0, 512, 64):
        part, low = shown[:, x : x + 64], is_low[:, x : x + 64]
        assert part[~low].mean() - part[low].mean() > 0.55 * (highest - lowest)
        assert part.mean() > 0.75 * pixels.mean()


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_the_overlay_of_a_constant_map_has_one_colour(value: float) -> None:
    saliency = np.full((6, 8), value, np.float32)
    shown = show_overlay(saliency, np.full((64, 64, 3), 200, np.uint8))
    assert np.abs(shown - (0.6 * 200 + 0.4 * np.array(YELLOW))).max() < 4


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


# The first class is in the left half, the second in the right half.
HALVES = np.zeros((2, 30, 40), np.float32)
HALVES[0, :, :20] = HALVES[1, :, 20:] = 1e3
CLASSES = ClassMaps(("dog", "cat"), np.ones(2, np.float32), HALVES)


def show_classes(
    classes: ClassMaps, names: Sequence[str], pixels: NDArray[np.uint8]
) -> NDArray[np.int64]:
    """Return the pixels of a picture of classes."""
    blob, media_type = render_classes(classes, names, pixels)
    assert media_type == "image/jpeg"
    return np.asarray(Image.open(io.BytesIO(blob))).astype(np.int64)


@pytest.mark.parametrize("shape", [(300, 400, 3), (300, 400)])
@pytest.mark.parametrize("names", [("dog", "cat"), ("cat", "dog")])
def test_each_class_has_the_colour_of_its_place_in_the_list(
    names: tuple[str, ...], shape: tuple[int, ...]
) -> None:
    shown = show_classes(CLASSES, names, np.full(shape, 200, np.uint8))
    assert shown.shape == (300, 400, 3)
    colours = dict(zip(names, CLASS_COLOURS, strict=False))
    for name, part in (("dog", shown[20:200, 20:160]), ("cat", shown[20:200, 240:380])):
        expected = 200 * (1 - CLASS_OPACITY) + CLASS_OPACITY * np.array(colours[name])
        assert np.abs(part.mean(axis=(0, 1)) - expected).max() < 4, name


def test_a_class_fades_with_its_evidence_and_mixes_with_others() -> None:
    maps = np.stack([np.tile(np.linspace(0, 4, 64, dtype=np.float32), (48, 1))] * 2)
    classes = ClassMaps(("dog", "cat"), np.ones(2, np.float32), maps)
    shown = show_classes(classes, ("dog", "cat"), np.full((480, 640, 3), 128, np.uint8))[:200]
    both = np.mean(CLASS_COLOURS[:2], axis=0)
    assert np.abs(shown[:, 0].mean(axis=0) - 128).max() < 4
    for share in (0.25, 1.0):
        evidence = 4 * share  # at the mean, 1, the colour is half as strong as it can be
        opacity = CLASS_OPACITY * evidence / (1 + evidence)
        found = shown[:, min(round(640 * share), 635)].mean(axis=0)
        assert np.abs(found - (128 * (1 - opacity) + opacity * both)).max() < 6, share


def test_the_legend_names_the_colours_where_there_is_room() -> None:
    nowhere = replace(CLASSES, maps=np.zeros_like(HALVES))
    grey = np.full((300, 400, 3), 200, np.uint8)
    shown = show_classes(nowhere, ("dog", "cat"), grey)
    assert np.abs(shown[:200] - 200).max() < 4
    corner = shown[250:, :100]
    for colour in CLASS_COLOURS[:2]:
        assert (np.abs(corner - np.array(colour)).max(axis=2) < 40).sum() > 40
    assert (corner.min(axis=2) > 200).sum() > 20  # letters
    assert (corner.max(axis=2) < 90).sum() > 500  # their ground
    small = show_classes(nowhere, ("dog", "cat"), grey[:40, :30])
    assert np.abs(small - 200).max() < 4
    # More names need more lines.
    names = tuple(map(str, range(7)))
    maps = np.zeros((7, 30, 40), np.float32)
    many = show_classes(ClassMaps(names, np.ones(7, np.float32), maps), names, grey)
    assert (many.max(axis=2) < 90).sum() > 2 * (shown.max(axis=2) < 90).sum()


def test_without_classes_the_photo_is_grey() -> None:
    pixels = photo(320, 240)
    shown = show_classes(CLASSES, (), pixels)
    grey = np.asarray(Image.fromarray(pixels).convert("L")).astype(int)
    assert np.abs(shown - grey[..., None]).mean() < 3


def test_a_class_beyond_the_colours_is_left_out() -> None:
    count = len(CLASS_COLOURS) + 1
    names = tuple(map(str, range(count)))
    maps = np.zeros((count, 4, 4), np.float32)
    maps[-1] = 1e3
    classes = ClassMaps(names, np.ones(count, np.float32), maps)
    shown = show_classes(classes, names, np.full((40, 30, 3), 128, np.uint8))
    assert np.abs(shown - 128).max() < 4


def test_the_classes_of_a_large_photo_have_a_limited_size() -> None:
    shown = show_classes(CLASSES, ("dog",), np.zeros((40, 2000, 3), np.uint8))
    assert shown.shape == (20, 1024, 3)
