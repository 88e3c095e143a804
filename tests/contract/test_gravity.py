"""The values of gravity: smart, nine places, and points."""

import pytest

from contract.gravity import PLACES, parse_gravity


def test_smart_is_no_place() -> None:
    assert parse_gravity("smart") is None


def test_places_are_points() -> None:
    assert len(PLACES) == 9
    assert parse_gravity("centre") == (0.5, 0.5)
    assert parse_gravity("northeast") == (1, 0)
    assert parse_gravity("southwest") == (0, 1)


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("0,1", (0, 1)),
        ("0.25,.5", (0.25, 0.5)),
        ("1.0,0.0", (1, 0)),
        ("0.123456789,1", (0.123456789, 1)),
    ],
)
def test_a_point_is_two_shares(text: str, point: tuple[float, float]) -> None:
    assert parse_gravity(text) == point


@pytest.mark.parametrize(
    "text",
    [
        *("", "Smart", "center", "smart ", "smart\n", "north-east", "0.5", "0.5,", ",0.5", ","),
        *("0.5,0.5,0.5", "0.5 0.5", "0.5, 0.5", "1.01,0", "0,1.000001", "-0.1,0", "-0,0", "2,2"),
        *("nan,0", "0,NaN", "inf,0", "1e-1,0", "0x0,0", "+0,0", "0.,0", "٠,٠", "0.1234567890,0"),
        "0." + "1" * 5000 + ",0",
    ],
)
def test_other_values_are_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match=r"'smart', 'centre', .* or x,y with both from 0 to 1"):
        parse_gravity(text)
