import numpy as np
import pytest
from numpy.typing import NDArray

from codec.jpeg.decode.coefficients import read_source
from codec.jpeg.decode.huffman_decoder import build_lookup
from codec.jpeg.decode.progressive_ac_scan import read_band
from codec.jpeg.decode.restart_intervals import unstuff
from codec.jpeg.encode import encode
from codec.jpeg.syntax.component import LUMA, Component
from codec.jpeg.write.coded_scan import Scan, code_ac
from codec.jpeg.write.nonzeros import list_nonzeros
from codec.jpeg.write.tokens import write_tokens
from codec.settings import EncodeSettings
from tests.codec.pictures import scene
from tests.codec.plain_progressive import decode_progressive

ROWS, COLUMNS = 5, 7
NONE = np.zeros((0, 0), np.float32)


def make_qcoefs(seed: int, density: float, largest: int = 1023) -> NDArray[np.int16]:
    """Return random AC coefficients of all sizes; DC is 0."""
    rng = np.random.default_rng(seed)
    shape = (ROWS, COLUMNS, 64)
    values = rng.integers(-largest, largest + 1, shape) >> rng.integers(0, 10, shape)
    values[rng.random(shape) > density] = 0
    values[..., 0] = 0
    return values.astype(np.int16)


def read_scan(
    scan: Scan, qcoefs: NDArray[np.int16], plane: NDArray[np.int16], blocks: int | None = None
) -> bool:
    """Write a scan of `qcoefs` and read it into `plane`; return whether it was valid."""
    component = Component(LUMA, 1, 1, ROWS, COLUMNS, NONE, NONE, NONE, NONE)
    coded = code_ac(scan, list_nonzeros(component, qcoefs))
    table = coded.tables[0]
    segment = write_tokens(coded.tokens, coded.tables, coded.bits) + b"\xff\xd9"
    bits, ends, _ = unstuff(np.frombuffer(segment, np.uint8), 0, 1)
    lookup = build_lookup(bytes(table.bits[1:].tolist()), bytes(table.symbols.tolist()))
    size = (ROWS, COLUMNS, ROWS * COLUMNS) if blocks is None else (1, blocks, blocks)
    return bool(read_band(bits, ends, size, plane, scan.band, scan.low_bit, scan.high_bit, lookup))


@pytest.mark.parametrize("density", [0.0, 0.01, 0.1, 0.7])
@pytest.mark.parametrize("low_bits", [0, 1, 3])
def test_first_and_refining_scans_give_every_bit(density: float, low_bits: int) -> None:
    qcoefs = make_qcoefs(low_bits, density)
    plane = np.zeros_like(qcoefs)
    assert read_scan(Scan((0,), (1, 63), 0, low_bits), qcoefs, plane)
    assert np.array_equal(plane, np.sign(qcoefs) * (np.abs(qcoefs) >> low_bits << low_bits))
    for low_bit in range(low_bits - 1, -1, -1):
        assert read_scan(Scan((0,), (1, 63), low_bit + 1, low_bit), qcoefs, plane)
    assert np.array_equal(plane, qcoefs)


def test_a_band_leaves_the_others_alone() -> None:
    qcoefs = make_qcoefs(4, 0.2)
    plane = np.full_like(qcoefs, 9)
    plane[..., 3:13] = 0
    assert read_scan(Scan((0,), (3, 12), 0, 0), qcoefs, plane)
    assert np.array_equal(plane[..., 3:13], qcoefs[..., 3:13])
    assert (plane[..., :3] == 9).all()
    assert (plane[..., 13:] == 9).all()


def test_values_beyond_8_bit_samples_are_invalid() -> None:
    for value, valid in ((1023, True), (1024, False)):
        qcoefs = make_qcoefs(0, 0.0)
        qcoefs[0, 0, 5] = value
        assert read_scan(Scan((0,), (1, 63), 0, 0), qcoefs, np.zeros_like(qcoefs)) == valid


@pytest.mark.parametrize("high_bit", [0, 1])
def test_an_eob_run_beyond_the_last_block_is_invalid(high_bit: int) -> None:
    empty = make_qcoefs(0, 0.0)
    scan = Scan((0,), (1, 63), high_bit, 0)
    assert read_scan(scan, empty, np.zeros_like(empty))
    assert not read_scan(scan, empty, np.zeros_like(empty), blocks=COLUMNS)


def test_scans_with_bytes_left_over_are_invalid() -> None:
    qcoefs = make_qcoefs(1, 0.5)
    plane = np.zeros_like(qcoefs)
    assert not read_scan(Scan((0,), (1, 63), 0, 0), qcoefs, plane, blocks=COLUMNS)


def test_a_run_beyond_the_band_is_invalid() -> None:
    qcoefs = make_qcoefs(0, 0.0)
    qcoefs[..., 40] = 1
    component = Component(LUMA, 1, 1, ROWS, COLUMNS, NONE, NONE, NONE, NONE)
    coded = code_ac(Scan((0,), (1, 63), 0, 0), list_nonzeros(component, qcoefs))
    table = coded.tables[0]
    segment = write_tokens(coded.tokens, coded.tables, coded.bits) + b"\xff\xd9"
    bits, ends, _ = unstuff(np.frombuffer(segment, np.uint8), 0, 1)
    lookup = build_lookup(bytes(table.bits[1:].tolist()), bytes(table.symbols.tolist()))
    blocks, plane = (ROWS, COLUMNS, ROWS * COLUMNS), np.zeros_like(qcoefs)
    assert read_band(bits, ends, blocks, plane, (1, 63), 0, 0, lookup)
    for high_bit in (0, 1):
        plane[:] = 0
        assert not read_band(bits, ends, blocks, plane, (1, 30), 0, high_bit, lookup)


def test_progressive_files_of_the_encoder_are_read() -> None:
    layouts = set()
    for quality in (50, 95):
        for image in (scene(120, 161), scene(120, 161)[..., 0]):
            options = EncodeSettings(quality=quality, subsampling="420", progressive=True)
            data = encode(image, None, options).jpeg
            plain, source = decode_progressive(data), read_source(data)
            layouts |= {tuple(scan.components) for scan in plain.scans if scan.last == 0}
            for component, qcoefs in zip(plain.components, source.qcoefs, strict=True):
                assert np.array_equal(qcoefs, component.qcoefs())
    assert layouts == {(0,), (1, 2), (0, 1, 2)}
