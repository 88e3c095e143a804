"""Limits how many uploads, and how many bytes of them, one front-end process holds at a time."""

import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from contract.errors import QueueFullError

# The rate of completed uploads is measured over the last `WINDOW_S`. After an idle time it is
# measured since the first upload, once that is at least `SHORTEST_WINDOW_S` ago.
WINDOW_S: Final = 10.0
SHORTEST_WINDOW_S: Final = 1.0
MAX_RETRY_AFTER_S: Final = 60


class Admission:
    """Counts uploads from their first byte until their response has been written, or given up.

    Refuses those above the limits.
    """

    def __init__(self, max_pending: int, max_pending_bytes: int) -> None:
        self._max_pending = max_pending
        self._max_pending_bytes = max_pending_bytes
        self.pending = 0
        self.pending_bytes = 0
        # When uploads were completed, on the monotonic clock; refused ones are not counted.
        self._completed_s: deque[float] = deque()
        self._busy_since_s = 0.0

    @contextmanager
    def admit(self) -> Iterator["Ticket"]:
        """Reserve a place for one upload.

        Raises:
            QueueFullError: when all places are taken.
        """
        if self.pending >= self._max_pending:
            raise self._to_error(f"{self.pending} uploads are waiting.")
        if not self.pending:
            self._busy_since_s = time.monotonic()
        self.pending += 1
        ticket = Ticket(self)
        try:
            yield ticket
        finally:
            self.pending -= 1
            ticket.release()
            if not ticket.refused:
                self._completed_s.append(time.monotonic())
            self._forget_old()

    def reserve(self, more_bytes: int) -> None:
        """Add ``more_bytes`` to the bytes that are held.

        Raises:
            QueueFullError: when they would exceed the limit.
        """
        # A lone upload always fits: with a limit below MAX_UPLOAD_BYTES it could never be accepted.
        if self.pending > 1 and self.pending_bytes + more_bytes > self._max_pending_bytes:
            raise self._to_error(f"{self.pending_bytes} bytes of uploads are waiting.")
        self.pending_bytes += more_bytes

    def retry_after_s(self) -> int:
        """Return the time, from 1 to 60 s, that the waiting uploads take at the current rate.

        It is not the time to the next free place: only one of the refused clients could have that.
        """
        self._forget_old()
        if not self._completed_s:
            # No upload was completed in the whole window, so expect at least as long again.
            return math.ceil(WINDOW_S) if self.pending else 1
        wait_s = self.pending / self._measure_rate_per_s()
        return max(1, min(math.ceil(wait_s), MAX_RETRY_AFTER_S))

    def _measure_rate_per_s(self) -> float:
        """Return the rate of completed uploads; there must be some in the window."""
        rate = len(self._completed_s) / WINDOW_S
        busy_s = time.monotonic() - self._busy_since_s
        if SHORTEST_WINDOW_S <= busy_s < WINDOW_S:
            # The idle time before that would make the rate look lower than it is.
            count = sum(completed_s >= self._busy_since_s for completed_s in self._completed_s)
            rate = max(rate, count / busy_s)
        return rate

    def _to_error(self, detail: str) -> QueueFullError:
        return QueueFullError(detail, retry_after_s=self.retry_after_s())

    def _forget_old(self) -> None:
        oldest_s = time.monotonic() - WINDOW_S
        while self._completed_s and self._completed_s[0] < oldest_s:
            self._completed_s.popleft()


class Ticket:
    """One upload's part of the bytes that are held: its body, then its response."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.allocated_bytes = 0
        self.refused = False
        self._released = False

    def allocate(self, total_bytes: int) -> None:
        """Raise this upload's part to ``total_bytes``; it never shrinks.

        Raises:
            QueueFullError: when the process holds too many bytes already.
        """
        more_bytes = total_bytes - self.allocated_bytes
        # A run that other uploads have joined may outlive the ticket of the one that started it.
        if more_bytes > 0 and not self._released:
            try:
                self._admission.reserve(more_bytes)
            except QueueFullError:
                self.refused = True
                raise
            self.allocated_bytes = total_bytes

    def hold(self, total_bytes: int) -> None:
        """Set this upload's part to ``total_bytes``: anything else is no longer in memory.

        Raises:
            QueueFullError: as ``allocate``.
        """
        self.allocate(total_bytes)
        if not self._released:
            self._admission.pending_bytes -= self.allocated_bytes - total_bytes
            self.allocated_bytes = total_bytes

    def release(self) -> None:
        """Give all bytes back, for good."""
        self.hold(0)
        self._released = True
