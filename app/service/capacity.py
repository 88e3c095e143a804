"""Refuses photos that the workers can't finish before their deadlines.

Work counts in pixels (``contract.work``). The work ahead of a photo is what this front end has
submitted and not got back, and what other front ends had in the queue when it was last read.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import fmean
from typing import Final

from app.liveness.live_workers import LiveWorker
from app.service.admission import round_retry_after_s
from contract.errors import QueueFullError
from contract.images import Format
from contract.work import count_work_px

# A photo may wait for this share of its time. The rest is for what the estimate does not know: the
# distribution of photos over workers, what other front ends submitted since the last reading, and
# workers that end. It also lets large photos in: the limit on the wait is the same for all.
WAIT_SHARE: Final = 0.4
# A photo's own work may take this many times as long as the mean of photos of its size.
WORK_FACTOR: Final = 1.25


class Capacity:
    """The work ahead of the next photo and the rate at which all workers together do it."""

    def __init__(self) -> None:
        self._own_px = 0
        self._others_px = 0
        # Unknown rates refuse nothing.
        self._px_per_s = math.inf
        self._photo_px_per_s = math.inf

    def update(self, workers: Sequence[LiveWorker], queued_px: int) -> None:
        """Update rate and work from the live workers and the work of all front ends in the queue."""
        self._others_px = max(0, queued_px - self._own_px)
        known = [worker for worker in workers if worker.px_per_s]
        if known:
            # A worker of another version may not report its rate; it counts as the others' mean.
            # Without workers the last rate stays: they may be restarting.
            self._px_per_s = len(workers) * fmean(worker.px_per_s for worker in known)
            self._photo_px_per_s = fmean(worker.photo_px_per_s for worker in known)

    @property
    def wait_s(self) -> float:
        """How long the work ahead takes."""
        return (self._own_px + self._others_px) / self._px_per_s

    def retry_after_s(self) -> int:
        """Return the time in s, from 1 to 60, after which a refused photo would find no work ahead."""
        return round_retry_after_s(self.wait_s)

    @contextmanager
    def reserve(self, pixels: int, time_s: float, output_format: Format = "jpeg") -> Iterator[None]:
        """Count a photo of ``pixels``, to be written in a format, as work ahead of others while the context is open.

        Without work ahead every photo is accepted, however large.

        Raises:
            QueueFullError: when the photo would not be finished within ``time_s``, or a worker gives
                it up.
        """
        work_px = count_work_px(pixels, output_format)
        wait_s = self.wait_s
        work_s = work_px / self._photo_px_per_s
        if wait_s and (wait_s > WAIT_SHARE * time_s or wait_s + WORK_FACTOR * work_s > time_s):
            raise QueueFullError(
                f"The photos ahead take {wait_s:.1f} s; this one would not be finished within "
                f"{time_s:g} s.",
                retry_after_s=self.retry_after_s(),
            )
        self._own_px += work_px
        try:
            yield
        except QueueFullError as error:
            # A worker gave the photo up; it does not know when there is time for it.
            error.retry_after_s = max(error.retry_after_s or 0, self.retry_after_s())
            raise
        finally:
            self._own_px -= work_px
