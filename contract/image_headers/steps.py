"""The limit on the work for one header, whatever its format."""

from typing import Final

# A step costs one to three microseconds, and so the longest header some hundredths of a second. Headers
# of photos take some dozens of steps, those of a GIF with megabytes of comments some thousands.
MAX_STEPS: Final = 10_000


class TooManyStepsError(Exception):
    """A header has far more pieces than those of photos."""


class Steps:
    """A number of steps that a reader may take; one for each piece of a header that it looks at."""

    def __init__(self, limit: int = MAX_STEPS) -> None:
        self._left = limit

    def take(self) -> None:
        """Count one step.

        Raises:
            TooManyStepsError: when the limit is exceeded.
        """
        self._left -= 1
        if self._left < 0:
            raise TooManyStepsError
