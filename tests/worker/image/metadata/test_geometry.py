"""Whether sides change places, and whether any pixel moves."""

import pytest

from worker.image.metadata.geometry import Geometry


@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_last_four_orientations_turn_the_sides(orientation: int) -> None:
    assert Geometry((8, 6), orientation, (8, 6)).turns_sides is (orientation > 4)


def test_a_turn_and_a_crop_move_places_in_shares() -> None:
    assert not Geometry((8, 6), 1, (4, 3)).moves_places
    assert Geometry((8, 6), 2, (8, 6)).moves_places
    assert Geometry((8, 6), 1, (4, 6), is_cropped=True).moves_places


def test_no_pixel_moves_if_the_photo_is_upright_and_has_its_size() -> None:
    assert Geometry((8, 6), 1, (8, 6)).is_unchanged
    assert not Geometry((8, 6), 2, (8, 6)).is_unchanged
    assert not Geometry((8, 6), 1, (4, 3)).is_unchanged
