"""Options as one part of a path: ``name=value`` with commas between."""

from app.options import parse_options
from contract.errors import InvalidOptionError
from contract.messages import Options

NO_OPTIONS = "-"


def parse_path_options(text: str) -> Options:
    """Return the options of a path: ``name=value`` with commas between, or ``-`` for none.

    Raises:
        InvalidOptionError: when one is unknown, out of range, given twice, or a heatmap: a
            response that caches keep cannot link to one.
    """
    pairs: list[tuple[str, str]] = []
    if text != NO_OPTIONS:
        for word in text.split(","):
            name, mark, value = word.partition("=")
            if not mark:
                raise InvalidOptionError("Options of a path are name=value, with commas between.")
            pairs.append((name, value))
    options = parse_options(pairs)
    if options.heatmap != "none":
        raise InvalidOptionError("'heatmap': only POST /compress gives one.")
    return options
