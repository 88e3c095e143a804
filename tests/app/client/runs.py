"""Runs the command in this process, and reads what it has printed and written."""

import argparse
import json
from pathlib import Path
from typing import Any

from PIL import Image

from app.client import command
from app.client.arguments import add_arguments


def run(*arguments: str | Path, url: str) -> int:
    """Run the command in this process; return the exit code."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return command.run(parser.parse_args([*map(str, arguments), "--url", url]))


def read_lines(text: str | bytes) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the outcomes by their sources' names, and the summary, of a run with ``--json``."""
    *outcomes, last = map(json.loads, text.splitlines())
    return {Path(outcome["source"]).name: outcome for outcome in outcomes}, last["summary"]


def size_of(path: Path) -> tuple[int, int]:
    """Return width and height of a JPEG, which decodes completely."""
    with Image.open(path) as picture:
        assert picture.format == "JPEG"
        picture.load()
        return picture.size
