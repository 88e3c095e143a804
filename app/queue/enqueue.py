"""RQ's commands for one job, taken down once and filled in for each.

RQ makes them anew for every job, though most of them say the same. Here it does so for a sample,
whose id, times and data are replaced in the bytes. Whether that gives what RQ writes is tried on
another sample: where it doesn't, RQ goes on making the commands of every job.
"""

import logging
import re
import zlib
from datetime import UTC, datetime
from typing import Any, Final

from rq import Retry
from rq.queue import Queue
from rq.utils import utcformat

from app.redis import pack
from contract.keys import JOB_FUNCTION, MAX_RETRIES

log = logging.getLogger(__name__)

# As long as every job's id, and nobody's.
SAMPLE_IDS: Final = ("-" * 24, "_" * 24)
TIME: Final = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
ANY_TIME: Final = b"0000-00-00T00:00:00.000000Z"


class JobTemplate:
    """Jobs of one time to live; ``queue`` must know its server's version already."""

    def __init__(self, queue: Queue, *, timeout_s: int, ttl_s: int, result_ttl_s: int) -> None:
        self._queue = queue
        self.ttl_s = ttl_s
        self._terms: dict[str, Any] = {
            "timeout": timeout_s,
            "ttl": ttl_s,
            "result_ttl": result_ttl_s,
            "failure_ttl": result_ttl_s,
            "description": "compress",
            "retry": Retry(max=MAX_RETRIES, enqueue_at_front=True),
        }
        sample, other = SAMPLE_IDS
        packed, self._count = self.ask_rq(sample, {})
        data = pack_string(self._pack_data({}))
        self._head, _, self._tail = TIME.sub(ANY_TIME, packed).partition(data)
        asked, count = self.ask_rq(other, {"pixels": 1})
        filled = self._fill(other, {"pixels": 1}, ANY_TIME)
        self._is_right = (filled, self._count) == (TIME.sub(ANY_TIME, asked), count)
        if not self._is_right:
            log.warning("jobs are made by RQ itself, whose commands are not what is known here")

    def commands(self, job_id: str, request: dict[str, Any]) -> tuple[bytes, int]:
        """Return the commands, packed, that enqueue a job, and how many there are."""
        if not self._is_right:
            return self.ask_rq(job_id, request)
        return self._fill(job_id, request, utcformat(datetime.now(UTC)).encode()), self._count

    def _fill(self, job_id: str, request: dict[str, Any], time: bytes) -> bytes:
        name, sample = job_id.encode(), SAMPLE_IDS[0].encode()
        head, tail = (
            part.replace(sample, name).replace(ANY_TIME, time) for part in (self._head, self._tail)
        )
        return head + pack_string(self._pack_data(request)) + tail

    def _pack_data(self, request: dict[str, Any]) -> bytes:
        called = (JOB_FUNCTION, None, (), {"request": request})
        return zlib.compress(self._queue.serializer.dumps(called))

    def ask_rq(self, job_id: str, request: dict[str, Any]) -> tuple[bytes, int]:
        """Return the same as ``commands``, made by RQ alone."""
        job = Queue.prepare_data(
            JOB_FUNCTION, kwargs={"request": request}, job_id=job_id, **self._terms
        )
        with self._queue.connection.pipeline() as pipeline:  # which is never sent
            self._queue.enqueue_many([job], pipeline=pipeline)
            commands = [pack(*arguments) for arguments, _ in pipeline.command_stack]
        return b"".join(commands), len(commands)


def pack_string(value: bytes) -> bytes:
    """Return a string as RESP has it in a command."""
    return b"$%d\r\n%b\r\n" % (len(value), value)
