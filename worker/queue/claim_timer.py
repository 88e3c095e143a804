"""When a busy worker looks for more jobs.

The pause grows while there are none. It also grows with the duration of a network pass: jobs that
arrive during a pass are in time for the next one.
"""

import time
from typing import Final

SHORTEST_PAUSE_S: Final = 0.005
LONGEST_PAUSE_S: Final = 0.02
PAUSE_SHARE: Final = 0.125  # of the last pass
MOST_PAUSE_S: Final = 0.1


class ClaimTimer:
    """Says when to look next; ``pause_s`` is the current pause."""

    def __init__(self) -> None:
        self.pause_s = SHORTEST_PAUSE_S
        self._next_s = 0.0

    def reset(self) -> None:
        """Let the next look be due at once."""
        self._next_s = 0.0

    def is_due(self) -> bool:
        """Return whether it is time to look for jobs."""
        return time.monotonic() >= self._next_s

    def restart(self, pass_s: float, *, found: bool) -> None:
        """Begin the next pause; ``found`` says whether jobs were waiting.

        ``pass_s`` is the duration of the last network pass: 0 while nothing is open, infinity before
        the first.
        """
        self.pause_s = next_pause_s(self.pause_s, pass_s, found=found)
        self._next_s = time.monotonic() + self.pause_s


def next_pause_s(pause_s: float, pass_s: float, *, found: bool) -> float:
    """Return the pause after a look, given the pause before it and the duration of the last pass."""
    share_s = PAUSE_SHARE * pass_s
    if found:
        return min(max(SHORTEST_PAUSE_S, share_s), MOST_PAUSE_S)
    return min(2 * pause_s, max(LONGEST_PAUSE_S, share_s), MOST_PAUSE_S)
