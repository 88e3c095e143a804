"""Decides when a worker that runs jobs looks for more.

The pause between two looks grows while the queue is empty. It also grows with the duration of a
network pass, since a job that arrives during a pass has to wait for the next one anyway.
"""

import time
from typing import Final

# The shortest pause after a look that found jobs. Each look that finds none doubles the pause.
MIN_PAUSE_S: Final = 0.005
# The longest pause while the queue is empty, unless `PASS_SHARE` of the last pass is longer.
EMPTY_PAUSE_S: Final = 0.02
# Pauses grow to this share of the last network pass, but not beyond `MAX_PAUSE_S`.
PASS_SHARE: Final = 0.125
MAX_PAUSE_S: Final = 0.1


class ClaimTimer:
    """Tells when to look next; ``pause_s`` is the current pause."""

    def __init__(self) -> None:
        self.pause_s = MIN_PAUSE_S
        self._next_s = 0.0

    def reset(self) -> None:
        """End the pause now."""
        self._next_s = 0.0

    def is_due(self) -> bool:
        """Return whether the pause has ended."""
        return time.monotonic() >= self._next_s

    def restart(self, pass_s: float, *, found: bool) -> None:
        """Start the next pause; ``found`` says whether the last look found jobs.

        ``pass_s`` is the duration of the last network pass: 0 while no job is open, infinity before
        the first pass.
        """
        self.pause_s = next_pause_s(self.pause_s, pass_s, found=found)
        self._next_s = time.monotonic() + self.pause_s


def next_pause_s(pause_s: float, pass_s: float, *, found: bool) -> float:
    """Return the pause after a look; ``pause_s`` is the pause before it."""
    share_s = PASS_SHARE * pass_s
    if found:
        return min(max(MIN_PAUSE_S, share_s), MAX_PAUSE_S)
    return min(2 * pause_s, max(EMPTY_PAUSE_S, share_s), MAX_PAUSE_S)
