"""The help of ``foveate compress`` shows what an option accepts."""

import argparse

import pytest

from app.client.arguments import add_arguments


@pytest.fixture(scope="module")
def shown() -> str:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return " ".join(parser.format_help().split())


@pytest.mark.parametrize(
    "words",
    [
        "1 to 100; default: 75",
        "0 to 1; default: 0.6",
        "at least 1; default: none",
        "1 to 65500; default: none",
        "default: true",
        "default: quality",
        "in progress at a time (default: 8)",
    ],
)
def test_ranges_and_defaults_are_shown(shown: str, words: str) -> None:
    assert words in shown
