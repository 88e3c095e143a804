from dataclasses import replace

import numpy as np
import pytest

from codec.jpeg.quantize.requantization import SNAP_RATIO, estimate_noise, snap_tables
from codec.jpeg.syntax.component import CHROMA, LUMA, Component

NONE = np.zeros((0, 0), np.float32)


def component(kind: int, steps: np.ndarray | None, coefs: np.ndarray = NONE) -> Component:
    rows, columns = coefs.shape[:2]
    return Component(kind, 1, 1, rows, columns, coefs, NONE, NONE, NONE, steps)


def test_steps_near_the_sources_are_the_sources() -> None:
    steps = np.full(64, 10, np.uint16)
    wanted = np.arange(1, 65).astype(np.uint16)
    (snapped,) = snap_tables([wanted], [component(LUMA, steps)])
    assert snapped.dtype == np.uint16
    for want, got in zip(wanted, snapped, strict=True):
        assert got == (10 if want <= 10 * SNAP_RATIO else want)


def test_each_table_follows_the_steps_of_its_component() -> None:
    tables = [np.full(64, own, np.uint16) for own in (7, 9, 5)]
    steps = [np.full(64, 8, np.uint16), None, np.full(64, 4, np.uint16)]
    kinds = (LUMA, CHROMA, CHROMA)
    components = [component(kind, own) for kind, own in zip(kinds, steps, strict=True)]
    snapped = snap_tables(tables, components)
    assert [int(table[0]) for table in snapped] == [8, 9, 4]
    assert all((table == table[0]).all() for table in snapped)


@pytest.mark.parametrize("scale", [2.0, 6.0, 20.0])
def test_noise_is_estimated_from_the_quantized_values(scale: float) -> None:
    original = np.random.default_rng(0).laplace(0, scale, (100, 100, 64)).astype(np.float32)
    steps = np.full(64, 16, np.uint16)
    quantized = np.rint(original / 16) * np.float32(16)
    lost = float(((original - quantized) ** 2).mean())
    made = component(LUMA, steps, quantized)
    assert np.mean(estimate_noise(made, steps)) == pytest.approx(lost, rel=0.15)


def test_noise_is_finite_where_all_values_or_none_are_zero() -> None:
    steps = np.full(64, 16, np.uint16)
    for value in (0, 16):
        made = component(LUMA, steps, np.full((2, 2, 64), value, np.float32))
        found = estimate_noise(replace(made), steps)
        assert np.isfinite(found).all()
        assert (found >= 0).all()
