"""Options in a path are the same as in a query, without heatmaps."""

import math
import time

import pytest

from app.path_options import PathOptions, parse_path_options
from contract.errors import InvalidOptionError
from contract.messages import Options


def test_options_are_pairs_separated_by_commas() -> None:
    expected = Options(quality=60, target="size")
    assert parse_path_options("quality=60,target=size").options == expected
    assert parse_path_options("heatmap=none").options == Options()


@pytest.mark.parametrize("text", ["gravity=0.3,.5,quality=60", "quality=60,gravity=0.3,.5"])
def test_a_point_keeps_its_comma(text: str) -> None:
    assert parse_path_options(text).options == Options(quality=60, gravity="0.3,.5")


def test_a_dash_stands_for_none() -> None:
    assert parse_path_options("-") == PathOptions(Options())
    assert parse_path_options("-").remaining_s == math.inf


@pytest.mark.parametrize(
    "text",
    [
        "",
        ",",
        " ",
        "quality",
        "quality=5,",
        "quality=5,quality=6",
        "-,-",
        "gravity=smart,0.5",
        "gravity=0,0,0",
        "gravity=0,quality=5,0",
    ],
)
def test_what_is_not_a_list_of_pairs_is_refused(text: str) -> None:
    with pytest.raises(InvalidOptionError):
        parse_path_options(text)


def test_a_wrong_option_is_refused() -> None:
    with pytest.raises(InvalidOptionError, match="quality"):
        parse_path_options("quality=0")


def test_a_heatmap_is_refused() -> None:
    with pytest.raises(InvalidOptionError, match="POST /compress only"):
        parse_path_options("heatmap=map")


def test_a_path_may_have_an_end() -> None:
    in_an_hour = int(time.time()) + 3600
    chosen = parse_path_options(f"quality=60,expires={in_an_hour}")
    assert chosen == PathOptions(Options(quality=60), in_an_hour)
    assert 3590 < chosen.remaining_s <= 3600
    assert parse_path_options("expires=0").remaining_s < 0


@pytest.mark.parametrize("value", ["", "-1", "1.5", "soon", "1_000", "\u0661", "9" * 12])
def test_an_end_that_is_no_time_in_seconds_is_refused(value: str) -> None:
    with pytest.raises(InvalidOptionError, match="expires"):
        parse_path_options(f"expires={value}")


def test_a_second_end_is_refused() -> None:
    with pytest.raises(InvalidOptionError, match="more than once"):
        parse_path_options("expires=1,quality=60,expires=99999999999")


def test_an_automatic_format_is_that_of_the_client() -> None:
    chosen = parse_path_options("quality=50,format=auto")
    assert chosen.choose_format(may_be_avif=False) == Options(quality=50)
    assert chosen.choose_format(may_be_avif=True) == Options(quality=50, format="avif")
    # Only a JPEG has a gain map.
    assert (
        parse_path_options("format=auto,hdr=keep").choose_format(may_be_avif=True).format == "jpeg"
    )


@pytest.mark.parametrize("name", ["jpeg", "avif"])
def test_another_format_is_that_of_every_client(name: str) -> None:
    chosen = parse_path_options(f"format={name}")
    assert [chosen.choose_format(may_be_avif=may).format for may in (False, True)] == [name] * 2


@pytest.mark.parametrize(
    "text", ["format=auto,format=auto", "format=auto,format=avif", "format=AUTO"]
)
def test_an_unclear_format_is_refused(text: str) -> None:
    with pytest.raises(InvalidOptionError, match="format"):
        parse_path_options(text)
