"""Scans of random coefficients, read back by the slow decoder."""

import numpy as np
import pytest

from codec.jpeg.syntax.component import CHROMA, LUMA, Component
from codec.jpeg.syntax.huffman import build_table
from codec.jpeg.write.baseline_scan import write_scan
from codec.jpeg.write.marker_segments import write_file, write_header
from tests.codec.plain_jpeg import decode


@pytest.mark.parametrize("factor", [1, 2])
@pytest.mark.parametrize("count", [1, 3])
def test_every_qcoef_is_decoded(factor: int, count: int) -> None:
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
