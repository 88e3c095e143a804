"""The arguments of ``foveate compress``, and its exit codes."""

import argparse
import os
from collections.abc import Mapping
from typing import Any, Final

from app.options import LARGEST_MAX_BYTES, describe_options

DONE, SOME_FAILED, USAGE, NO_SERVICE, INTERRUPTED = 0, 1, 2, 3, 130
DEFAULT_JOBS: Final = 8

EPILOG = f"""\
exit codes: {DONE} all done, {SOME_FAILED} some photos failed, {USAGE} wrong command, \
{NO_SERVICE} no usable service, {INTERRUPTED} interrupted. More: docs/cli.md."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments, and every option of the service."""
    parser.epilog = EPILOG
    parser.add_argument(
        "photos", nargs="+", metavar="PHOTO", help="files, folders, globs; - is stdin"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "-o",
        "--output",
        metavar="PATH",
        help="folder of the results; for one photo also the file to write, NAME.jpg; - is stdout",
    )
    where.add_argument("--in-place", action="store_true", help="replace JPEGs by their results")
    parser.add_argument(
        "--overwrite", action="store_true", help="replace files that no run has written"
    )
    parser.add_argument(
        "--url",
        default=os.environ.get("FOVEATE_URL"),
        help="the service (default: FOVEATE_URL, else one is started for the run)",
    )
    parser.add_argument(
        "--jobs",
        type=at_least_one,
        default=DEFAULT_JOBS,
        metavar="N",
        help="photos in progress at a time (default: %(default)s)",
    )
    parser.add_argument(
        "--workers",
        type=at_least_one,
        default=1,
        metavar="N",
        help="workers of a service started for this run (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="print a line of JSON for each photo")
    parser.add_argument("-q", "--quiet", action="store_true", help="print no bar and no summary")
    options = parser.add_argument_group("options of the service (docs/api.md)")
    for name, described in describe_options().items():
        add_option(options, name, described)


def add_option(group: Any, name: str, described: Mapping[str, Any]) -> None:
    """Declare one of the service's options."""
    flag = f"--{name.replace('_', '-')}"
    text = f"{described['description']} ({describe_values(described)})"
    text = text.replace("%", "%%").replace("`", "")
    shared = {"dest": f"option_{name}", "default": None, "help": text}
    if described.get("type") == "boolean":
        group.add_argument(flag, action=argparse.BooleanOptionalAction, **shared)
    elif name == "heatmap":
        group.add_argument(flag, nargs="?", const="map", choices=described["enum"], **shared)
    elif "enum" in described:
        group.add_argument(flag, choices=described["enum"], **shared)
    else:
        group.add_argument(flag, metavar=described["type"].upper(), **shared)


def describe_values(described: Mapping[str, Any]) -> str:
    """Return an option's range and default, from its JSON schema."""
    parts: list[str] = []
    if "minimum" in described:
        least, most = described["minimum"], described.get("maximum")
        # No file comes near the largest integer; the bound is JSON's, not the option's.
        bounded = most is not None and most < LARGEST_MAX_BYTES
        parts.append(f"{least:g} to {most:g}" if bounded else f"at least {least:g}")
    default = described.get("default")
    if isinstance(default, bool):
        default = str(default).lower()
    parts.append(f"default: {'none' if default is None else default}")
    return "; ".join(parts)


def at_least_one(text: str) -> int:
    """Parse a number from 1 up."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number
