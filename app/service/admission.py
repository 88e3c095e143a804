"""Limits how many uploads, and how many bytes of them, one front-end process holds at a time."""

import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from contract.errors import QueueFullError

# The rate of completed uploads is measured over the last `WINDOW_S`. After an idle time it is
# measured since the first upload, once that is at least `SHORTEST_WINDOW_S` ago.
WINDOW_S: Final = 10.0
SHORTEST_WINDOW_S: Final = 1.0
MAX_RETRY_AFTER_S: Final = 60
# At the limits, the client that has neither sent nor read anything for longest loses its place, once
# it is at least this long. Otherwise a few silent clients could lock out everyone else.
STALL_S: Final = 2.0


def round_retry_after_s(wait_s: float) -> int:
    """Return a time to wait as whole seconds, from 1 to 60."""
    return max(1, min(math.ceil(wait_s), MAX_RETRY_AFTER_S))


class Connection(Protocol):
    """The connection of an upload's client."""

    def stalled_s(self) -> float:
        """Return for how long the service has been waiting for the client to send or read."""

    def abort(self) -> None:
        """Close the connection at once."""


class Admission:
    """Counts uploads until their response has been written or their client has been disconnected.

    Refuses those above the limits.
    """

    def __init__(self, max_pending: int, max_pending_bytes: int) -> None:
        self._max_pending = max_pending
        self._max_pending_bytes = max_pending_bytes
        self.pending_bytes = 0
        self._tickets: set[Ticket] = set()
        # When uploads were completed, on the monotonic clock; refused ones are not counted.
        self._completed_s: deque[float] = deque()
        self._busy_since_s = 0.0

    @property
    def pending(self) -> int:
        """The number of uploads that hold a place."""
        return len(self._tickets)

    @contextmanager
    def admit(self, connection: Connection | None = None) -> Iterator["Ticket"]:
        """Reserve a place for one upload; its client loses it if it stalls while others need it.

        Raises:
            QueueFullError: when all places are taken.
        """
        if self.pending >= self._max_pending and not self._give_up_stalled():
            raise self._to_error(f"{self.pending} uploads are waiting.")
        if not self.pending:
            self._busy_since_s = time.monotonic()
        ticket = Ticket(self, connection)
        self._tickets.add(ticket)
        try:
            yield ticket
        finally:
            self.release(ticket)
            if not ticket.refused:
                self._completed_s.append(time.monotonic())
            self._forget_old()

    def reserve(self, ticket: "Ticket", total_bytes: int, *, makes_room: bool) -> None:
        """Raise the bytes of ``ticket`` to ``total_bytes``; with ``makes_room`` others may lose theirs.

        Raises:
            QueueFullError: when the bytes of all tickets would exceed the limit.
        """
        more_bytes = total_bytes - ticket.allocated_bytes
        # A lone upload always fits: with a limit below MAX_UPLOAD_BYTES it could never be accepted.
        while self.pending > 1 and self.pending_bytes + more_bytes > self._max_pending_bytes:
            if not (makes_room and self._give_up_stalled(ticket)):
                ticket.refused = True
                raise self._to_error(f"{self.pending_bytes} bytes of uploads are held.")
        self.pending_bytes += more_bytes
        ticket.allocated_bytes = total_bytes

    def release(self, ticket: "Ticket") -> None:
        """Free the place and the bytes of ``ticket``, for good."""
        self.pending_bytes -= ticket.allocated_bytes
        ticket.allocated_bytes = 0
        ticket.released = True
        self._tickets.discard(ticket)

    def _give_up_stalled(self, spared: "Ticket | None" = None) -> bool:
        """Disconnect the client that has stalled for longest; return whether there was one."""
        stalled = {one: one.stalled_s() for one in self._tickets if one is not spared}
        longest = max(stalled, key=stalled.__getitem__, default=None)
        if longest is None or stalled[longest] < STALL_S:
            return False
        longest.give_up()
        return True

    def retry_after_s(self) -> int:
        """Return the time in s, from 1 to 60, that the waiting uploads take at the current rate.

        It is not the time to the next free place: only one of the refused clients could have that.
        """
        self._forget_old()
        if not self._completed_s:
            # No upload was completed in the whole window, so expect at least as long again.
            return math.ceil(WINDOW_S) if self.pending else 1
        return round_retry_after_s(self.pending / self._measure_rate_per_s())

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
    """One upload's place, and its bytes in memory: those of its body, then of its response."""

    def __init__(self, admission: Admission, connection: Connection | None = None) -> None:
        self._admission = admission
        self._connection = connection
        self.allocated_bytes = 0
        self.refused = False
        self.released = False

    def stalled_s(self) -> float:
        """Return for how long the client has neither sent nor read what it should."""
        return self._connection.stalled_s() if self._connection else 0.0

    def give_up(self) -> None:
        """Disconnect the client and free its place at once."""
        if self._connection:
            self._connection.abort()
        self.refused = True
        self._admission.release(self)

    def detach(self) -> None:
        """Keep the place whatever becomes of the client: a job has taken it over."""
        self._connection = None

    def allocate(self, total_bytes: int) -> None:
        """Raise the bytes of this upload's body to ``total_bytes``; they never shrink.

        Raises:
            QueueFullError: when the process holds too many bytes already.
        """
        self._raise_to(total_bytes, makes_room=True)

    def allocate_response(self, total_bytes: int) -> None:
        """As ``allocate``, for a response, which makes no client lose its place.

        Otherwise clients that read nothing would take turns, and no one else would get a place.
        """
        self._raise_to(total_bytes, makes_room=False)

    def hold(self, total_bytes: int) -> None:
        """Count ``total_bytes``, those of the response, alone: the body is no longer in memory.

        Raises:
            QueueFullError: as ``allocate``.
        """
        self.allocate_response(total_bytes)
        if not self.released:
            self._admission.pending_bytes -= self.allocated_bytes - total_bytes
            self.allocated_bytes = total_bytes

    def _raise_to(self, total_bytes: int, *, makes_room: bool) -> None:
        # A run that other uploads have joined may outlive the ticket of the one that started it.
        if total_bytes > self.allocated_bytes and not self.released:
            self._admission.reserve(self, total_bytes, makes_room=makes_room)
