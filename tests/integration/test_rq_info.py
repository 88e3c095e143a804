"""RQ's own monitor, ``rq info``, counts the service's jobs right: during work and afterwards."""

import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from redis import Redis
from rq.executions import WORKER_EXECUTIONS_KEY_TEMPLATE
from rq.queue import Queue
from rq.serializers import JSONSerializer

from contract.keys import QUEUE_NAME
from tests.integration.http_requests import post
from tests.integration.running import run_service, wait_for
from tests.photos import file_of, photo

UPLOADS = 20
PASS_S = 0.2
QUEUE_LINE = re.compile(rf"queue {QUEUE_NAME} (\d+), (\d+) executing, (\d+) finished, (\d+) failed")
WORKER_LINE = re.compile(
    rf"worker (\S+) \(.*\) (\w+) {QUEUE_NAME}\. jobs: (\d+) finished, (\d+) failed"
)


def rq_info(redis_url: str) -> tuple[list[int], str, str, list[int]]:
    """Return what ``rq info`` prints.

    Of the queue: the counts of jobs that wait, run, are done and failed. Of its worker: name, state,
    and the counts of jobs that it has done and that failed.
    """
    shown = subprocess.run(
        [sys.executable, "-m", "rq.cli", "info", "--raw", "--url", redis_url],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    queue, worker = QUEUE_LINE.search(shown), WORKER_LINE.search(shown)
    assert queue, shown
    assert worker, shown
    assert len(WORKER_LINE.findall(shown)) == 1
    name, state, *jobs = worker.groups()
    return [int(count) for count in queue.groups()], name, state, [int(count) for count in jobs]


def test_rq_info_counts_every_upload_once(tmp_path: Path) -> None:
    with (
        run_service(tmp_path, pass_s=PASS_S, RESULT_TTL_S="120") as service,
        ThreadPoolExecutor(UPLOADS) as pool,
    ):
        target = f"{service.url}/compress"
        (worker,) = service.workers
        with Redis.from_url(service.redis_url) as connection:
            queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
            uploads = [file_of(photo(200 + n, 150), "JPEG") for n in range(UPLOADS)]
            futures = [pool.submit(post, target, content=u, timeout=90) for u in uploads]
            wait_for(lambda: queue.finished_job_registry.get_job_count(cleanup=False), 60, "a JPEG")
            # Stopped, so that all counts are of the same moment.
            worker.send_signal(signal.SIGSTOP)
            wait_for(lambda: len(connection.keys("rq:job:*")) == UPLOADS, 10, "for all jobs")
            (waiting, running, done, failed), name, state, own = rq_info(service.redis_url)
            taken = len(queue.intermediate_queue.get_job_ids())
            held = connection.scard(WORKER_EXECUTIONS_KEY_TEMPLATE.format(name))
            worker.send_signal(signal.SIGCONT)

            assert waiting + taken + running + done == UPLOADS
            assert running == held > 0
            assert (state, own, failed) == ("busy", [done, 0], 0)

            assert [future.result(90).status_code for future in futures] == [200] * UPLOADS
            wait_for(lambda: rq_info(service.redis_url)[2] == "idle", 20, "for the worker")
            counts, _, _, own = rq_info(service.redis_url)
            assert counts == [0, 0, UPLOADS, 0]
            assert own == [UPLOADS, 0]
