"""Samples of every depth and format are unpacked, and scaled to full intensity."""

import numpy as np
import pytest

from contract.errors import UnsupportedImageError
from tests.worker.image.formats.tiff.tiff_files import Value, layout_of, pack_bits, shape_tags
from worker.image.formats.tiff.layout import Layout
from worker.image.formats.tiff.samples import make_table, scale, unpack_rows, unpack_units

ROWS, WIDTH, SAMPLES = 3, 5, 3


def layout(bits: int, *, order: str = "<", **tags: Value) -> Layout:
    """Return a layout of LZW, whose predictor counts; keywords are t and the tag's number."""
    numbers = {int(name[1:]): value for name, value in tags.items()}
    found = layout_of(
        shape_tags(WIDTH, ROWS, bits=bits, samples=SAMPLES, photometric=2) | {259: 5} | numbers
    )
    if order == ">":
        fields = {name: getattr(found, name) for name in Layout.__slots__}
        return Layout(**(fields | {"order": ">"}))
    return found


def numbers_of(bits: int) -> np.ndarray:
    rng = np.random.default_rng(bits)
    return rng.integers(0, 1 << min(bits, 63), (ROWS, WIDTH, SAMPLES), dtype=np.uint64)


@pytest.mark.parametrize("bits", [*range(1, 33), 64])
def test_every_depth_is_unpacked(bits: int) -> None:
    numbers = numbers_of(bits)
    packed = pack_bits(numbers, bits)  # whole bytes come out in the order of Motorola
    samples = unpack_rows(memoryview(packed), numbers.shape, layout(bits, order=">"))
    np.testing.assert_array_equal(samples, numbers)


@pytest.mark.parametrize("bits", [16, 24, 32, 64])
def test_bytes_of_intel_are_turned_round(bits: int) -> None:
    numbers = numbers_of(bits)
    packed = b"".join(int(number).to_bytes(bits // 8, "little") for number in numbers.flat)
    samples = unpack_rows(memoryview(packed), numbers.shape, layout(bits))
    np.testing.assert_array_equal(samples, numbers)


@pytest.mark.parametrize("bits", [1, 4, 8, 12, 16, 24, 32, 64])
def test_differences_are_summed_at_every_depth(bits: int) -> None:
    numbers = numbers_of(bits)
    differences = np.diff(numbers, axis=1, prepend=np.uint64(0)) & np.uint64((1 << bits) - 1)
    packed = memoryview(pack_bits(differences, bits))
    samples = unpack_rows(packed, numbers.shape, layout(bits, order=">", t317=2))
    np.testing.assert_array_equal(samples, numbers)


@pytest.mark.parametrize("bits", [16, 24, 32, 64])
@pytest.mark.parametrize("predictor", [1, 3])
def test_floats_are_unpacked(bits: int, predictor: int) -> None:
    floats = np.random.default_rng(bits).normal(size=(ROWS, WIDTH, SAMPLES))
    if bits == 24:
        single = floats.astype(np.float32).view(np.uint32)
        exponent = (single >> 23 & 0xFF).astype(np.int64) - 127 + 63
        numbers = (single >> 31 << 23) | exponent.astype(np.uint32) << 16 | (single >> 7 & 0xFFFF)
        stored = np.ascontiguousarray(numbers.astype(">u4")).view(np.uint8)
        stored = stored.reshape(ROWS, WIDTH, SAMPLES, 4)[..., 1:]
    else:
        stored = floats.astype(f">f{bits // 8}").view(np.uint8)
        stored = stored.reshape(ROWS, WIDTH, SAMPLES, bits // 8)
    if predictor == 3:
        # TIFF Technical Note 3: the most significant bytes of a row first, then differences.
        by_byte = np.moveaxis(stored, -1, 1).reshape(ROWS, -1, SAMPLES)
        stored = np.diff(by_byte, axis=1, prepend=np.uint8(0)).astype(np.uint8)
    rows = memoryview(stored.tobytes())
    found = layout(bits, order=">", t339=(3, [3] * SAMPLES), t317=predictor)
    samples = unpack_rows(rows, floats.shape, found)
    np.testing.assert_allclose(samples, floats, rtol=2e-3)
    scaled = scale(samples, found)
    assert scaled.dtype == np.float32


def test_nan_is_none_and_infinity_stays() -> None:
    floats = np.array([np.nan, np.inf, -np.inf, 1.5] * 3 + [0] * 3, "<f8")
    found = layout(64, t339=(3, [3] * SAMPLES), t259=1)
    samples = scale(unpack_rows(memoryview(floats.tobytes()), (1, WIDTH, 3), found), found)
    np.testing.assert_array_equal(samples.ravel()[:4], [0, np.inf, -np.inf, 1.5])
    large = np.full((1, WIDTH, 3), 1e300)
    assert np.isinf(scale(large, found)).all()


def test_an_unknown_predictor_is_not_supported() -> None:
    numbers = numbers_of(8)
    with pytest.raises(UnsupportedImageError, match="predictor"):
        unpack_rows(memoryview(pack_bits(numbers, 8)), numbers.shape, layout(8, t317=9))


def test_many_strips_share_a_table() -> None:
    assert make_table(15) is make_table(15)


@pytest.mark.parametrize("bits", range(1, 17))
def test_full_intensity_is_full(bits: int) -> None:
    full = (1 << bits) - 1
    levels = np.array([0, full // 2, full], np.uint8 if bits <= 8 else np.uint16)
    scaled = scale(levels, layout(bits))
    assert scaled.dtype == (np.uint8 if bits <= 8 else np.uint16)
    largest = np.iinfo(scaled.dtype).max
    np.testing.assert_allclose(scaled, levels.astype(float) / full * largest, atol=1)
    assert scaled[0] == 0
    assert scaled[2] == largest


@pytest.mark.parametrize("bits", [17, 24, 32, 64])
@pytest.mark.parametrize("number_format", [1, 2])
def test_deeper_integers_become_floats(bits: int, number_format: int) -> None:
    half = 1 << (bits - 1)
    stored = np.array([0, half - 1, half, 2 * half - 1], np.uint64 if bits == 64 else np.uint32)
    scaled = scale(stored, layout(bits, t339=(3, [number_format] * SAMPLES)))
    expected = [0, half - 1, -half, -1] if number_format == 2 else [0, half - 1, half, 2 * half - 1]
    np.testing.assert_array_equal(scaled, np.array(expected, np.float32))


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_signed_numbers_are_moved_up(bits: int) -> None:
    half = 1 << (bits - 1)
    # The lowest, zero, the highest.
    stored = np.array([half, 0, half - 1], np.uint8 if bits == 8 else np.uint16)
    scaled = scale(stored, layout(bits, t339=(3, [2] * SAMPLES))).astype(float)
    np.testing.assert_allclose(scaled / (255 if bits == 8 else 65535), [0, 0.5, 1], atol=3e-3)


def test_indices_of_a_palette_are_not_scaled() -> None:
    found = layout_of(shape_tags(WIDTH, ROWS, bits=4, photometric=3))
    indices = np.arange(16, dtype=np.uint8)
    np.testing.assert_array_equal(scale(indices, found), indices)


@pytest.mark.parametrize("across", [1, 2, 4])
@pytest.mark.parametrize("down", [1, 2, 4])
@pytest.mark.parametrize("bits", [8, 16])
def test_units_of_ycbcr_are_unpacked(across: int, down: int, bits: int) -> None:
    rng = np.random.default_rng(0)
    rows, width = 7, 9
    units_down, units_across = -(-rows // down), -(-width // across)
    luma = rng.integers(0, 1 << bits, (units_down * down, units_across * across))
    chroma = rng.integers(0, 1 << bits, (units_down, units_across, 2))
    stored = []
    for y in range(units_down):
        for x in range(units_across):
            block = luma[y * down : (y + 1) * down, x * across : (x + 1) * across]
            stored += [*block.ravel(), *chroma[y, x]]
    tags = shape_tags(width, rows, bits=bits, samples=3, photometric=6)
    found = layout_of(tags | {530: (3, [across, down])})
    packed = memoryview(np.array(stored, f"<u{bits // 8}").tobytes())
    samples = unpack_units(packed, rows, width, found)
    np.testing.assert_array_equal(samples[..., 0], luma[:rows, :width])
    for y, x in ((0, 0), (6, 8), (3, 5)):
        np.testing.assert_array_equal(samples[y, x, 1:], chroma[y // down, x // across])


def test_a_predictor_over_units_is_not_supported() -> None:
    tags = shape_tags(2, 2, samples=3, photometric=6) | {259: 5, 317: 2, 530: (3, [2, 2])}
    with pytest.raises(UnsupportedImageError, match="predictor"):
        unpack_units(memoryview(bytes(6)), 2, 2, layout_of(tags))
