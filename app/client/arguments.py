"""The arguments of ``python -m app compress``, and its exit codes."""

import argparse
import os
from collections.abc import Mapping
from typing import Any, Final

from app.options import describe_options

DONE, SOME_FAILED, USAGE, NO_SERVICE, INTERRUPTED = 0, 1, 2, 3, 130
DEFAULT_JOBS: Final = 8

EPILOG = f"""\
exit codes: {DONE} all is done, {SOME_FAILED} some photos failed, {USAGE} the command is wrong, \
{NO_SERVICE} no service that can be used, {INTERRUPTED} interrupted. docs/cli.md says more."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments, and every option of the service."""
    parser.epilog = EPILOG
    parser.add_argument(
        "photos", nargs="+", metavar="PHOTO", help="files, folders, globs; - is stdin"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("-o", "--output", metavar="DIR", help="folder of the results; - is stdout")
    where.add_argument("--in-place", action="store_true", help="replace JPEGs by their results")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace files in DIR that no run has put there"
    )
    parser.add_argument(
        "--url",
        default=os.environ.get("FOVEATE_URL"),
        help="the service (default: FOVEATE_URL, else one is started for the run)",
    )
    parser.add_argument(
        "--jobs", type=at_least_one, default=DEFAULT_JOBS, metavar="N", help="photos at a time"
    )
    parser.add_argument(
        "--workers", type=at_least_one, default=1, metavar="N", help="of a service started here"
    )
    parser.add_argument("--json", action="store_true", help="a line of JSON for each photo")
    parser.add_argument("-q", "--quiet", action="store_true", help="no bar and no summary")
    options = parser.add_argument_group("options of the service (docs/api.md)")
    for name, described in describe_options().items():
        add_option(options, name, described)


def add_option(group: Any, name: str, described: Mapping[str, Any]) -> None:
    """Declare one of the service's options."""
    flag = f"--{name.replace('_', '-')}"
    text = described["description"].replace("%", "%%").replace("`", "")
    shared = {"dest": f"option_{name}", "default": None, "help": text}
    if described.get("type") == "boolean":
        group.add_argument(flag, action=argparse.BooleanOptionalAction, **shared)
    elif name == "heatmap":
        group.add_argument(flag, nargs="?", const="map", choices=described["enum"], **shared)
    elif "enum" in described:
        group.add_argument(flag, choices=described["enum"], **shared)
    else:
        group.add_argument(flag, metavar=described["type"].upper(), **shared)


def at_least_one(text: str) -> int:
    """Parse a number from 1 up."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number
