"""Declares the arguments of ``foveate compress`` and its exit codes."""

import argparse
import os
from collections.abc import Mapping
from typing import Any, Final

from app.options import LARGEST_MAX_BYTES, describe_options

DONE, SOME_FAILED, USAGE, NO_SERVICE, INTERRUPTED = 0, 1, 2, 3, 130
DEFAULT_JOBS: Final = 8

DESCRIPTION: Final = """\
Compress photos to JPEGs or AVIFs. Without --url, a service is started on this machine for the run. The same \
command again does only what is missing."""
EPILOG: Final = f"""\
exit codes: {DONE} all done, {SOME_FAILED} some photos failed, {USAGE} wrong command, \
{NO_SERVICE} no usable service, {INTERRUPTED} interrupted. More in docs/cli.md."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments, and every option of the service."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    parser.add_argument(
        "photos", nargs="+", metavar="PHOTO", help="file, folder or glob; - for standard input"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument(
        "-o",
        "--output",
        metavar="PATH",
        help="folder for the results; for one photo also the file, NAME.jpg or NAME.avif; - for standard output",
    )
    where.add_argument("--in-place", action="store_true", help="replace each photo by its result")
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="also replace files in PATH that are not results of an earlier run",
    )
    parser.add_argument(
        "--url",
        default=os.environ.get("FOVEATE_URL"),
        help="URL of the service (default: FOVEATE_URL; without both, one is started for this run)",
    )
    parser.add_argument(
        "--jobs",
        type=parse_count,
        default=DEFAULT_JOBS,
        metavar="N",
        help="number of photos in progress at a time (default: %(default)s)",
    )
    parser.add_argument(
        "--workers",
        type=parse_count,
        default=1,
        metavar="N",
        help="number of workers, if a service is started for this run (default: %(default)s)",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print a line of JSON for each photo, and a last one with the sums",
    )
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="print no progress bar and no summary"
    )
    options = parser.add_argument_group("options of the service, explained in docs/api.md")
    for name, schema in describe_options().items():
        add_option(options, name, schema)


def add_option(group: Any, name: str, schema: Mapping[str, Any]) -> None:
    """Declare one of the service's options, from its JSON schema."""
    flag = f"--{name.replace('_', '-')}"
    text = f"{schema['description']} ({format_values(schema)})"
    text = text.replace("%", "%%").replace("`", "")
    shared = {"dest": f"option_{name}", "default": None, "help": text}
    if schema.get("type") == "boolean":
        group.add_argument(flag, action=argparse.BooleanOptionalAction, **shared)
    elif name == "heatmap":
        group.add_argument(flag, nargs="?", const="map", choices=schema["enum"], **shared)
    elif "enum" in schema:
        group.add_argument(flag, choices=schema["enum"], **shared)
    elif "pattern" in schema:
        group.add_argument(flag, metavar=name.upper(), **shared)
    else:
        group.add_argument(flag, metavar=schema["type"].upper(), **shared)


def format_values(schema: Mapping[str, Any]) -> str:
    """Return an option's range and default, if it has them, from its JSON schema."""
    parts = []
    if "minimum" in schema:
        least, most = schema["minimum"], schema.get("maximum")
        # The largest integer is a bound of JSON; no file comes near it.
        bounded = most is not None and most < LARGEST_MAX_BYTES
        parts.append(f"{least:g} to {most:g}" if bounded else f"at least {least:g}")
    if "default" in schema:
        default = schema["default"]
        parts.append(f"default: {str(default).lower() if isinstance(default, bool) else default}")
    return "; ".join(parts)


def parse_count(text: str) -> int:
    """Return a whole number of at least 1.

    Raises:
        argparse.ArgumentTypeError: when ``text`` is none.
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("must be a whole number of at least 1")
    return int(text)
