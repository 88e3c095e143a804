import math

import numpy as np
import pytest
from PIL import Image

from model.config import MSROIConfig
from model.input_size import (
    MAX_AREA_SHARE,
    MIN_AREA_SHARE,
    STRIDE,
    choose_input_size,
    list_input_sizes,
    scale_photo,
)

AREA_PX = MSROIConfig.input_area_px


def test_every_size_has_about_the_area_and_is_a_multiple_of_the_stride() -> None:
    for height, width in list_input_sizes(AREA_PX):
        assert height % STRIDE == width % STRIDE == 0
        assert MIN_AREA_SHARE * AREA_PX <= height * width <= MAX_AREA_SHARE * AREA_PX


def test_sizes_are_few_and_exist_in_both_orientations() -> None:
    sizes = set(list_input_sizes(AREA_PX))
    assert len(sizes) < 128
    assert sizes == {(width, height) for height, width in sizes}


def test_common_photos_keep_their_aspect_within_a_tenth() -> None:
    for step in range(-100, 101):
        width_px, height_px = round(3000 * 3 ** (step / 100)), 3000
        height, width = choose_input_size(width_px, height_px, AREA_PX)
        stretched = math.log((width / height) / (width_px / height_px))
        assert abs(stretched) < math.log(1.1), (width_px, height_px)


@pytest.mark.parametrize(
    ("photo", "size"),
    [((768, 512), (320, 480)), ((6000, 4000), (320, 480)), ((1, 1), (384, 384))],
)
def test_a_size_with_the_same_aspect_is_chosen(
    photo: tuple[int, int], size: tuple[int, int]
) -> None:
    assert choose_input_size(*photo, AREA_PX) == size


def test_swapping_the_sides_swaps_the_size() -> None:
    for width_px in range(1, 2000, 37):
        for height_px in range(1, 2000, 41):
            height, width = choose_input_size(width_px, height_px, AREA_PX)
            assert choose_input_size(height_px, width_px, AREA_PX) == (width, height)


def test_a_strip_gets_the_longest_size() -> None:
    longest = max(width for _, width in list_input_sizes(AREA_PX))
    for length_px in (50, 20000):
        assert choose_input_size(length_px, 1, AREA_PX)[1] == longest
        assert choose_input_size(1, length_px, AREA_PX)[0] == longest


@pytest.mark.parametrize("area_px", [96 * 96, 256 * 256, 1024 * 768])
def test_other_areas_have_sizes_too(area_px: int) -> None:
    height, width = choose_input_size(400, 400, area_px)
    assert height == width
    assert MIN_AREA_SHARE * area_px <= height * width <= MAX_AREA_SHARE * area_px


def test_an_area_without_a_size_is_an_error() -> None:
    with pytest.raises(ValueError, match="about 1000 pixels"):
        choose_input_size(4, 3, 1000)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_a_photo_of_any_mode_is_scaled_to_rgb(mode: str) -> None:
    photo = Image.new("L", (90, 60), 200).convert(mode)
    scaled = scale_photo(photo, (32, 64))
    assert (scaled.mode, scaled.size) == ("RGB", (64, 32))


def test_a_box_is_cropped_before_scaling() -> None:
    photo = Image.new("RGB", (100, 100))
    photo.paste((255, 0, 0), (50, 25, 100, 75))
    scaled = np.asarray(scale_photo(photo, (32, 32), (50, 25, 100, 75)))
    # Pillow's filter reaches a pixel beyond the box.
    assert (scaled[1:-1, 1:-1] == (255, 0, 0)).all()
