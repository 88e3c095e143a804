import numpy as np
import pytest

from codec.jpeg.syntax.component import Component
from codec.jpeg.write.dc_scan import list_dc
from codec.jpeg.write.tokens import LENGTH_SHIFT, SECOND_TABLE, SYMBOL_SHIFT
from tests.codec.qcoefs import QCoefs, check_progressive, make_components, make_qcoefs


def list_differences(tokens: np.ndarray) -> list[tuple[int, int]]:
    """Return the table and the difference of each token."""
    differences = []
    for token in tokens.tolist():
        table, size = divmod(token >> SYMBOL_SHIFT, SECOND_TABLE)
        assert token >> LENGTH_SHIFT & 15 == size
        bits = token & 0xFFFF
        negative = size > 0 and bits >> (size - 1) == 0
        differences.append((table, bits - (1 << size) + 1 if negative else bits))
    return differences


def make_dc(height: int, width: int, factor: int) -> tuple[list[Component], QCoefs]:
    components = make_components(height, width, 3, factor)
    qcoefs = make_qcoefs(components, 3, 1023, 0.5)
    for seed, plane in enumerate(qcoefs):
        plane[..., 0] = np.random.default_rng(seed).integers(-1024, 1024, plane.shape[:2])
    return components, qcoefs


def test_a_scan_of_one_component_goes_row_by_row_over_its_real_blocks() -> None:
    components, qcoefs = make_dc(17, 33, 2)
    found = list_differences(list_dc(components[:1], qcoefs[:1]))
    values = qcoefs[0][:3, :5, 0].ravel().tolist()
    assert [table for table, _ in found] == [0] * 15
    assert np.cumsum([difference for _, difference in found]).tolist() == values


@pytest.mark.parametrize("factor", [1, 2])
def test_an_interleaved_scan_goes_mcu_by_mcu_with_a_table_for_each_kind(factor: int) -> None:
    components, qcoefs = make_dc(17, 33, factor)
    found = list_differences(list_dc(components, qcoefs))
    expected, previous = [], [0, 0, 0]
    for mcu_y in range(qcoefs[1].shape[0]):
        for mcu_x in range(qcoefs[1].shape[1]):
            for i, plane in enumerate(qcoefs):
                blocks = factor if i == 0 else 1
                for v in range(blocks):
                    for h in range(blocks):
                        value = int(plane[mcu_y * blocks + v, mcu_x * blocks + h, 0])
                        expected.append((int(i > 0), value - previous[i]))
                        previous[i] = value
    assert found == expected


def test_a_scan_of_both_chroma_components_has_one_table() -> None:
    components, qcoefs = make_dc(17, 33, 2)
    found = list_differences(list_dc(components[1:], qcoefs[1:]))
    assert {table for table, _ in found} == {0}


@pytest.mark.parametrize("size_px", [(257, 17), (17, 257)])
def test_files_without_the_blocks_that_complete_mcus_are_decoded(size_px: tuple[int, int]) -> None:
    components = make_components(size_px[1], size_px[0], 3, 2)
    luma = components[0]
    assert (luma.real_rows, luma.real_columns) != luma.coefs.shape[:2]
    check_progressive(size_px, components, make_qcoefs(components, 1, 1023, 0.3))
