"""Whole files, read back by the slow decoder."""

import numpy as np
import pytest
from numpy.typing import NDArray

from codec.jpeg.encode import encode
from codec.jpeg.syntax.component import CHROMA, LUMA, Component
from codec.jpeg.syntax.huffman import build_table, count_bits
from codec.jpeg.write.baseline_scan import write_scan
from codec.jpeg.write.marker_segments import write_file, write_header
from codec.settings import EncodeSettings, Subsampling
from tests.codec.pictures import scene
from tests.codec.plain_jpeg import PlainFile, decode


def encoded(image: NDArray[np.uint8], subsampling: Subsampling) -> PlainFile:
    return decode(encode(image, None, EncodeSettings(quality=60, subsampling=subsampling)).jpeg)


def test_segments_stand_in_jfif_order() -> None:
    file = encoded(scene(40, 30), "420")
    assert file.markers == [0xE0, 0xDB, 0xC0, 0xC4, 0xDA]
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


@pytest.mark.parametrize("factor", [1, 2])
@pytest.mark.parametrize("count", [1, 3])
def test_the_scan_gives_back_every_qcoef(factor: int, count: int) -> None:
    rng = np.random.default_rng(factor * 10 + count)
    components, qcoefs = [], []
    dc_counts = [np.ones(256, np.int64) * (np.arange(256) < 12) for _ in range(2)]
    ac_counts = [np.ones(256, np.int64) for _ in range(2)]
    for i in range(count):
        blocks = factor if i == 0 else 1
        shape = (3 * blocks, 4 * blocks, 64)
        values = rng.integers(-1023, 1024, shape) >> rng.integers(0, 11, shape)
        values[rng.random(shape) < rng.choice([0.05, 0.6, 0.99], shape[:2])[..., None]] = 0
        qcoefs.append(values.astype(np.int16))
        kind = LUMA if i == 0 else CHROMA
        empty = np.zeros((1, 1, 64), np.float32)
        components.append(Component(kind, blocks, blocks, *shape[:2], empty, *[empty[0]] * 3))
    dc_tables = [build_table(counts) for counts in dc_counts]
    ac_tables = [build_table(counts) for counts in ac_counts]
    scan = write_scan(components, qcoefs, dc_tables, ac_tables, 200 * 8 * 64 * 16)
    width, height = 4 * factor * 8, 3 * factor * 8
    tables = [np.ones(64, np.uint16)] * (1 if count == 1 else 2)
    kinds = len(tables)
    header = write_header((width, height), components, tables, dc_tables[:kinds], ac_tables[:kinds])
    file = decode(write_file(header, scan))
    for component, expected in zip(file.components, qcoefs, strict=True):
        assert np.array_equal(component.qcoefs(), expected)


def test_the_counted_bits_are_the_written_ones() -> None:
    counts = np.zeros(256, np.int64)
    counts[[0, 1, 0x11, 0xF0]] = (5, 9, 2, 1)
    table = build_table(counts)
    written = sum(
        int(n) * (int(table.lengths[s]) + (s & 15)) for s, n in enumerate(counts.tolist())
    )
    assert count_bits(counts, table.lengths) == written
