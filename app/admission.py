"""How many uploads, and how many bytes of them, one front-end process takes on at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from contract.errors import QueueFullError


class Admission:
    """Counts uploads from their first byte to their answer; refuses above the limits."""

    def __init__(self, max_pending: int, max_pending_bytes: int) -> None:
        self._max_pending = max_pending
        self._max_pending_bytes = max_pending_bytes
        self.pending = 0
        self.pending_bytes = 0

    @contextmanager
    def admit(self) -> Iterator["Ticket"]:
        """Hold a place for one upload.

        Raises:
            QueueFullError: when all places are taken.
        """
        if self.pending >= self._max_pending:
            raise QueueFullError(f"{self.pending} uploads are waiting.")
        self.pending += 1
        ticket = Ticket(self)
        try:
            yield ticket
        finally:
            self.pending -= 1
            self.pending_bytes -= ticket.held_bytes

    def take(self, more_bytes: int) -> None:
        """Count ``more_bytes``.

        Raises:
            QueueFullError: when they would exceed the limit.
        """
        # A lone upload always fits: a limit below MAX_UPLOAD_BYTES must not lock it out for good.
        if self.pending > 1 and self.pending_bytes + more_bytes > self._max_pending_bytes:
            raise QueueFullError(f"{self.pending_bytes} bytes of uploads are waiting.")
        self.pending_bytes += more_bytes


class Ticket:
    """One upload's share of the bytes."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self.held_bytes = 0

    def hold(self, total_bytes: int) -> None:
        """Raise this upload's share to ``total_bytes``; it never shrinks.

        Raises:
            QueueFullError: when the process holds too many bytes already.
        """
        more_bytes = total_bytes - self.held_bytes
        if more_bytes > 0:
            self._admission.take(more_bytes)
            self.held_bytes = total_bytes
