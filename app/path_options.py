"""Options as one segment of a path: ``name=value`` pairs separated by commas."""

from typing import Final

from app.options import parse_options
from contract.errors import InvalidOptionError
from contract.messages import Options

NO_OPTIONS: Final = "-"


def parse_path_options(text: str) -> Options:
    """Return the options of a path segment; ``-`` stands for none.

    Raises:
        InvalidOptionError: when an option is unknown, out of range, malformed or given twice, or
            when a heatmap is requested: a cacheable response cannot link to one.
    """
    pairs: list[tuple[str, str]] = []
    if text != NO_OPTIONS:
        for pair in text.split(","):
            name, equals, value = pair.partition("=")
            if not equals:
                raise InvalidOptionError(
                    "Options in the path must be name=value pairs separated by commas."
                )
            pairs.append((name, value))
    options = parse_options(pairs)
    if options.heatmap != "none":
        raise InvalidOptionError("'heatmap' is available in POST /compress only.")
    return options
