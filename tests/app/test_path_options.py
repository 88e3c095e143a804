"""Options in a path are the same as in a query, without heatmaps."""

import pytest

from app.path_options import parse_path_options
from contract.errors import InvalidOptionError
from contract.messages import Options


def test_options_are_pairs_separated_by_commas() -> None:
    assert parse_path_options("quality=60,target=size") == Options(quality=60, target="size")
    assert parse_path_options("heatmap=none") == Options()


def test_a_dash_stands_for_none() -> None:
    assert parse_path_options("-") == Options()


@pytest.mark.parametrize(
    "text", ["", ",", " ", "quality", "quality=5,", "quality=5,quality=6", "-,-"]
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
