"""Components and random quantized coefficients, and a check of the progressive file made of them."""

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.rate_control.passes import count_frame_bytes
from codec.jpeg.syntax.component import CHROMA, LUMA, Component
from codec.jpeg.syntax.own_mark import MARK_BYTES
from codec.jpeg.write.coded_scan import Scan, code_script
from codec.jpeg.write.progressive import write_scans
from codec.jpeg.write.scan_script import choose_script
from tests.codec.plain_progressive import decode_progressive

QCoefs = list[NDArray[np.int16]]


def make_components(height: int, width: int, count: int, factor: int) -> list[Component]:
    """Return 1 or 3 components of an image; luma has `factor` × `factor` blocks per MCU."""
    components = []
    for i in range(count):
        blocks = factor if i == 0 else 1
        rows, columns = (-(-side // (8 * factor)) * blocks for side in (height, width))
        real = [-(-side * blocks // (8 * factor)) for side in (height, width)]
        kind = LUMA if i == 0 else CHROMA
        coefs = np.zeros((rows, columns, 64), np.float32)
        weights = [coefs[..., 0]] * 3
        components.append(Component(kind, blocks, blocks, real[0], real[1], coefs, *weights))
    return components


def make_qcoefs(components: list[Component], seed: int, largest: int, occupied: float) -> QCoefs:
    """Return coefficients with magnitudes of all sizes; blocks that complete MCUs have DC only."""
    rng = np.random.default_rng(seed)
    planes = []
    for component in components:
        shape = component.coefs.shape
        values = rng.integers(-largest, largest + 1, shape) >> rng.integers(0, 12, shape)
        values[rng.random(shape) > occupied * rng.random(shape[:2])[..., None] * 2] = 0
        values[component.real_rows :, :, 1:] = 0
        values[:, component.real_columns :, 1:] = 0
        planes.append(values.astype(np.int16))
    return planes


def make_tables(components: list[Component]) -> list[NDArray[np.uint16]]:
    """Return quantization tables of ones."""
    return [np.ones(64, np.uint16)] * len(components)


def check_progressive(
    size_px: tuple[int, int],
    components: list[Component],
    qcoefs: QCoefs,
    script: list[Scan] | None = None,
) -> None:
    """Write a progressive file and decode it: coefficients must be equal, and bits as counted."""
    scans = code_script(script or choose_script(components, qcoefs), components, qcoefs)
    assert len(scans) <= 12
    jpeg = write_scans(size_px, components, make_tables(components), scans)
    file = decode_progressive(jpeg)
    assert (file.width, file.height) == size_px
    for component, read, expected in zip(components, file.components, qcoefs, strict=True):
        real = np.s_[: component.real_rows, : component.real_columns]
        assert np.array_equal(read.qcoefs()[real], expected[real])
    assert [scan.bits for scan in file.scans] == [-(-coded.bits // 8) * 8 for coded in scans]
    counted = sum(coded.header_bytes + -(-coded.bits // 8) for coded in scans)
    stuffed = jpeg.count(b"\xff\x00")
    assert count_frame_bytes(components) + counted + stuffed == len(jpeg) + MARK_BYTES
