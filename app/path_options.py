"""Options as one segment of a path: ``name=value`` pairs separated by commas."""

import math
import time
from dataclasses import dataclass, replace
from typing import Final

from app.options import parse_options
from contract.errors import InvalidOptionError
from contract.messages import Options

NO_OPTIONS: Final = "-"
EXPIRES: Final = "expires"
GRAVITY: Final = "gravity"
AUTOMATIC_FORMAT: Final = ("format", "auto")
# Enough for 3,000 years. A time in milliseconds has more.
MAX_EXPIRES_DIGITS: Final = 11


@dataclass(frozen=True, slots=True)
class PathOptions:
    """The options of a photo, and when its URL expires, in seconds since 1970; None for never.

    With ``format=auto``, ``has_automatic_format`` is set.
    """

    options: Options
    expires_s: int | None = None
    has_automatic_format: bool = False

    def choose_format(self, *, may_be_avif: bool) -> Options:
        """Return the options for a client that reads AVIF, or is not known to.

        Only a JPEG has a gain map, so with ``hdr=keep`` all clients get one.
        """
        if self.has_automatic_format and may_be_avif and self.options.hdr == "none":
            return replace(self.options, format="avif")
        return self.options

    @property
    def remaining_s(self) -> float:
        """How long the URL is still valid; infinite if it never expires."""
        return math.inf if self.expires_s is None else self.expires_s - time.time()


def parse_path_options(text: str) -> PathOptions:
    """Return the options of a path segment; ``-`` stands for none.

    Raises:
        InvalidOptionError: when an option is unknown, out of range, malformed or given twice, or
            when a heatmap is requested: a cacheable response cannot link to one.
    """
    pairs: list[tuple[str, str]] = []
    expires_s: int | None = None
    for pair in [] if text == NO_OPTIONS else text.split(","):
        name, equals, value = pair.partition("=")
        if not equals and pairs and pairs[-1][0] == GRAVITY and "," not in pairs[-1][1]:
            pairs[-1] = (GRAVITY, f"{pairs[-1][1]},{pair}")  # the second half of x,y
            continue
        if not equals:
            raise InvalidOptionError(
                "Options in the path must be name=value pairs separated by commas."
            )
        if name != EXPIRES:
            pairs.append((name, value))
        elif expires_s is None:
            expires_s = parse_expires(value)
        else:
            raise InvalidOptionError("'expires' is given more than once.")
    is_automatic = AUTOMATIC_FORMAT in pairs
    if is_automatic:
        pairs[pairs.index(AUTOMATIC_FORMAT)] = ("format", Options().format)
    options = parse_options(pairs)
    if options.heatmap != "none":
        raise InvalidOptionError("'heatmap' is available in POST /compress only.")
    return PathOptions(options, expires_s, is_automatic)


def parse_expires(value: str) -> int:
    """Return the value of ``expires``.

    Raises:
        InvalidOptionError: when it is not a whole number of seconds.
    """
    if not (value.isascii() and value.isdigit() and len(value) <= MAX_EXPIRES_DIGITS):
        raise InvalidOptionError("'expires' must be a time in whole seconds since 1970.")
    return int(value)
