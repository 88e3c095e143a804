"""The arguments of ``foveate compress``, and its help."""

import argparse

import pytest

from app.client.arguments import add_arguments
from app.options import CompressOptions


@pytest.fixture(scope="module")
def parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser


@pytest.mark.parametrize(
    "text",
    [
        "1 to 100; default: 75",
        "0 to 1; default: 0.6",
        "exceeds it (at least 1)",
        "(1 to 65500)",
        "default: true",
        "default: quality",
        "(default: none)",
        "in progress at a time (default: 8)",
    ],
)
def test_the_help_shows_ranges_and_defaults(parser: argparse.ArgumentParser, text: str) -> None:
    assert text in " ".join(parser.format_help().split())


def test_the_help_has_no_markup(parser: argparse.ArgumentParser) -> None:
    assert "`" not in parser.format_help()


def test_every_option_of_the_service_is_an_argument(parser: argparse.ArgumentParser) -> None:
    arguments = vars(parser.parse_args(["photo.jpg"]))
    options = {name for name in arguments if name.startswith("option_")}
    assert options == {f"option_{name}" for name in CompressOptions.model_fields}
    # Without a value the service's default applies.
    assert {arguments[name] for name in options} == {None}


def test_options_are_parsed(parser: argparse.ArgumentParser) -> None:
    arguments = parser.parse_args(["a.jpg", "--no-progressive", "--heatmap", "--max-bytes=9"])
    assert arguments.option_fit is None
    crop = parser.parse_args(["a.jpg", "--fit", "cover", "--gravity", "0.3,0.5"])
    assert (crop.option_fit, crop.option_gravity) == ("cover", "0.3,0.5")
    assert arguments.option_progressive is False
    assert arguments.option_heatmap == "map"
    assert arguments.option_max_bytes == "9"


@pytest.mark.parametrize("argument", ["--jobs=0", "--workers=-1", "--jobs=many"])
def test_counts_are_at_least_one(
    parser: argparse.ArgumentParser, capsys: pytest.CaptureFixture[str], argument: str
) -> None:
    with pytest.raises(SystemExit):
        parser.parse_args(["photo.jpg", argument])
    assert "must be a whole number of at least 1" in capsys.readouterr().err
