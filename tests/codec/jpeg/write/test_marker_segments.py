"""Whole files, read back by the slow decoder."""

import numpy as np
import pytest
from numpy.typing import NDArray

from codec.jpeg.encode import encode
from codec.settings import EncodeSettings, Subsampling
from tests.codec.pictures import scene
from tests.codec.plain_jpeg import PlainFile, decode


def encoded(image: NDArray[np.uint8], subsampling: Subsampling) -> PlainFile:
    return decode(encode(image, None, EncodeSettings(quality=60, subsampling=subsampling)).jpeg)


def test_segments_stand_in_jfif_order() -> None:
    file = encoded(scene(40, 30), "420")
    assert file.markers == [0xE0, 0xFE, 0xDB, 0xC0, 0xC4, 0xDA]
    assert (file.height, file.width) == (40, 30)
    assert sorted(file.quant_tables) == [0, 1, 2]
    assert sorted(file.huffman) == [(0, 0), (0, 1), (1, 0), (1, 1)]


@pytest.mark.parametrize(("subsampling", "factor"), [("420", 2), ("444", 1)])
def test_sampling_factors_follow_the_option(subsampling: Subsampling, factor: int) -> None:
    luma, *chroma = encoded(scene(20, 50), subsampling).components
    assert (luma.horizontal, luma.vertical, luma.quant_index) == (factor, factor, 0)
    assert [(c.horizontal, c.vertical, c.quant_index) for c in chroma] == [(1, 1, 1), (1, 1, 2)]


def test_a_grey_image_has_one_component_and_no_chroma_tables() -> None:
    file = encoded(scene(20, 50)[..., 0], "auto")
    assert len(file.components) == 1
    assert sorted(file.quant_tables) == [0]
    assert sorted(file.huffman) == [(0, 0), (1, 0)]
