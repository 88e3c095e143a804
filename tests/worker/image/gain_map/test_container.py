"""Items of the directory lie behind the photo one after the other."""

import pytest

from tests.worker.image.ultra_hdr import list_items, write_xmp
from worker.image.gain_map.container import describe, find_gain_map
from worker.image.gain_map.numbers import InvalidGainMapError
from worker.image.gain_map.packet import wrap

PRIMARY = 'Item:Semantic="Primary" Item:Mime="image/jpeg"'
GAIN_MAP = 'Item:Semantic="GainMap" Item:Mime="image/jpeg" Item:Length="500"'


def find(*items: str) -> tuple[int, int] | None:
    return find_gain_map(write_xmp({}, list_items(*items)))


def test_lengths_and_padding_of_those_before_count() -> None:
    assert find(PRIMARY, GAIN_MAP) == (0, 500)
    assert find(f'{PRIMARY} Item:Length="9" Item:Padding="7"', GAIN_MAP) == (7, 500)
    assert find(PRIMARY, 'Item:Length="30" Item:Padding="2"', GAIN_MAP) == (32, 500)


def test_a_directory_without_a_gain_map_has_none() -> None:
    assert find(PRIMARY, 'Item:Semantic="MotionPhoto" Item:Length="30"') is None
    assert find_gain_map(write_xmp({})) is None
    assert find(*[PRIMARY] * 100, GAIN_MAP) is None


@pytest.mark.parametrize("text", ["-1", "1.5", "", "9" * 11, "٣", "1e3"])
def test_a_length_that_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidGainMapError):
        find(PRIMARY, f'Item:Semantic="GainMap" Item:Length="{text}"')


def test_a_written_directory_is_read() -> None:
    assert find_gain_map(wrap(describe(4321))) == (0, 4321)
