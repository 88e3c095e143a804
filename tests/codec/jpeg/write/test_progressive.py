"""Progressive files, decoded by the slow decoder and by Pillow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import codec
from codec.jpeg.quantize.rdoq import quantize_dc
from codec.jpeg.syntax.component import Component
from codec.jpeg.syntax.huffman import build_table
from codec.jpeg.write.baseline_scan import write_scan
from codec.jpeg.write.marker_segments import write_file, write_header
from codec.jpeg.write.progressive import write_progressive
from tests.codec.jpegs import shown_pixels
from tests.codec.pictures import scene, spot
from tests.codec.plain_progressive import decode_progressive
from tests.codec.qcoefs import (
    QCoefs,
    check_progressive,
    make_components,
    make_qcoefs,
    make_tables,
)


@settings(max_examples=60, deadline=None)
@given(
    size_px=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    count=st.sampled_from([1, 3]),
    factor=st.sampled_from([1, 2]),
    largest=st.sampled_from([0, 1, 2, 3, 7, 255, 1023, 2047]),
    occupied=st.sampled_from([0.0, 0.02, 0.2, 0.7, 1.0]),
    seed=st.integers(0, 10**6),
)
def test_every_coefficient_is_decoded(
    *, size_px: tuple[int, int], count: int, factor: int, largest: int, occupied: float, seed: int
) -> None:
    components = make_components(size_px[1], size_px[0], count, factor if count == 3 else 1)
    check_progressive(size_px, components, make_qcoefs(components, seed, largest, occupied))


def write_baseline(size_px: tuple[int, int], components: list[Component], qcoefs: QCoefs) -> bytes:
    dc_tables = [build_table(np.ones(256, np.int64) * (np.arange(256) < 12)) for _ in range(2)]
    ac_tables = [build_table(np.ones(256, np.int64)) for _ in range(2)]
    tables = make_tables(components)
    kinds = min(len(tables), 2)
    header = write_header(size_px, components, tables, dc_tables[:kinds], ac_tables[:kinds])
    most_bits = sum(plane.size for plane in qcoefs) * 32
    return write_file(header, write_scan(components, qcoefs, dc_tables, ac_tables, most_bits))


@pytest.mark.parametrize(("count", "factor"), [(1, 1), (3, 1), (3, 2)])
def test_pillow_decodes_the_pixels_of_the_baseline_file(count: int, factor: int) -> None:
    for width, height in [(1, 1), (9, 7), (17, 257), (64, 48)]:
        components = make_components(height, width, count, factor)
        qcoefs = make_qcoefs(components, width, 200, 0.3)
        for component, plane in zip(components, qcoefs, strict=True):
            # Blocks that complete MCUs repeat the DC before, as in files of the encoder.
            coefs = plane.astype(np.float32)
            sampling = (component.vertical, component.horizontal)
            real = (component.real_rows, component.real_columns)
            quantize_dc(
                np.ascontiguousarray(coefs[..., 0]),
                1.0,
                *real,
                *sampling,
                plane,
                np.zeros(256, np.int64),
            )
        size_px = (width, height)
        jpeg = write_progressive(size_px, components, make_tables(components), qcoefs)
        expected = shown_pixels(write_baseline(size_px, components, qcoefs))
        assert np.array_equal(shown_pixels(jpeg), expected)


@pytest.mark.parametrize("quality", [30, 75, 92])
@pytest.mark.parametrize("grey", [False, True])
def test_progressive_files_have_the_bytes_of_the_reference(quality: int, *, grey: bool) -> None:
    image = scene(120, 160)
    image = image[..., 0] if grey else image
    options = codec.EncodeSettings(quality=quality, progressive=True)
    result = codec.encode(image, spot(50, 66), options)
    assert 0.99 <= len(result.jpeg) / result.reference_bytes <= 1.01
    assert decode_progressive(result.jpeg).markers[:4] == [0xE0, 0xFE, 0xDB, 0xC2]
