"""Pixels per metre become the integers of JFIF that are nearest."""

import pytest

from worker.image.formats.density import density_per_metre


@pytest.mark.parametrize(
    ("per_metre", "density"),
    [
        ((11_811, 11_811), (300, 300, 1)),
        ((2_835, 2_834), (72, 72, 1)),
        ((11_800, 11_800), (118, 118, 2)),
        ((3_780, 7_559), (96, 192, 1)),
        ((20, 20), None),
        ((1, 1), None),
        ((0, 2_835), None),
        ((2**32 - 1, 2**32 - 1), None),
    ],
)
def test_the_unit_with_the_smaller_error_is_used(
    per_metre: tuple[int, int], density: tuple[int, int, int] | None
) -> None:
    assert density_per_metre(*per_metre) == density
