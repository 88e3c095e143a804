"""``python -m worker``: warm up the network and the encoder, then serve the queue."""

import argparse
import contextlib
import gc
import logging
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from pydantic import ValidationError
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq.exceptions import StopRequested
from rq.queue import Queue
from rq.serializers import JSONSerializer

import codec
from codec.kernel_compiler import compile_kernels
from contract.images import HEIC_IS_OFF
from contract.keys import COMPILING_KEY, COMPILING_TTL_S, PROBE_KEY, QUEUE_NAME
from contract.log_lines import create_formatter
from model import open_predictor
from worker.console import say
from worker.image.confined.decoder import DECODER
from worker.image.formats.bmp import runs
from worker.image.limits import limit_pillow
from worker.item import Item
from worker.job_log import log_end
from worker.pipeline import Limits, Pipeline
from worker.queue.batch_worker import BatchWorker
from worker.settings import WorkerSettings, describe_errors
from worker.traces import Traces, open_traces
from worker.version import name_version

# An idle worker waits ``worker_ttl - 15`` s for a job, then sends a heartbeat and runs RQ's
# maintenance.
WORKER_TTL_S: Final = 20
# The pause between two attempts to write to an unavailable Redis, or to run RQ's loop.
REDIS_PAUSE_S: Final = 0.5
# Most photos arrive in one read. With RQ's time limits each takes a call of poll(2) as well.
READ_BYTES: Final = 256 * 1024
# Python's default is 5 ms. Codec threads need the interpreter briefly between two pieces of native
# code, and their cores are idle while they wait for it.
SWITCH_INTERVAL_S: Final = 0.0005

log = logging.getLogger(__name__)


def main() -> int:
    """Run one worker until SIGTERM or SIGINT; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    parser.add_argument("--name", default=None, help="name of this worker in RQ (default: random)")
    arguments = parser.parse_args()
    try:
        settings = WorkerSettings()
    except ValidationError as error:
        for line in describe_errors(error):
            say(f"invalid setting: {line}")
        return 2
    handler = logging.StreamHandler()
    handler.setFormatter(create_formatter(settings.log_format))
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # RQ logs several lines for each job.
    logging.getLogger("rq.worker").setLevel(max(logging.WARNING, logging.root.level))
    # Pillow warns about damaged metadata: a fault of the upload, not of the service.
    warnings.filterwarnings("ignore", module="PIL")
    limit_pillow(settings.max_pixels)
    if settings.heic == "off":
        DECODER.refuse("HEIC", HEIC_IS_OFF)

    # One immediate retry, for a connection that Redis has closed. `ResilientWorker` handles longer
    # outages, since it obeys signals meanwhile.
    connection = Redis.from_url(
        settings.redis_url, retry=Retry(NoBackoff(), 1), socket_read_size=READ_BYTES
    )
    try:
        connection.ping()
        with ThreadPoolExecutor(1) as pool:
            compiling = pool.submit(compile_kernels, partial(report_compiled, connection))
            predictor = open_predictor(settings.device)
            predictor.version = name_version(predictor.version, predictor.arithmetic)
            predictor.warm_up(settings.max_batch_size)
            compiling.result()
        codec.warm_up()
        runs.warm_up()
        traces = open_traces()
    except (RedisError, RuntimeError, OSError, ImportError) as error:
        say(f"worker can't start: {error}")
        return 1
    pipeline = Pipeline(
        connection,
        predictor,
        threads=settings.codec_threads,
        limits=Limits(
            max_batch_size=settings.max_batch_size,
            max_open_pixels=settings.max_open_pixels,
            max_pixels=settings.max_pixels,
            max_linger_ms=settings.max_linger_ms,
        ),
        result_ttl_s=settings.result_ttl_s,
    )
    worker = BatchWorker(
        Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer),
        pipeline,
        result_ttl_s=settings.result_ttl_s,
        version=predictor.version,
        on_end=partial(report_end, traces),
        name=arguments.name,
        connection=connection,
        serializer=JSONSerializer,
        maintenance_interval=settings.maintenance_interval_s,
        worker_ttl=WORKER_TTL_S,
    )
    # The libraries' objects are never garbage. A search through hundreds of thousands of them stops
    # all threads for a tenth of a second, several times a minute.
    gc.collect()
    gc.freeze()
    # `run_worker` registers the worker, and front ends report ready from then on.
    say(f"worker {worker.name} ready ({predictor.arithmetic}, {settings.codec_threads} threads)")
    run_worker(worker)
    pipeline.close()
    if traces:
        traces.close()
    say(f"worker {worker.name} ended")
    return 0


def report_end(traces: Traces | None, worker_name: str, item: Item) -> None:
    """Log how a job has ended, and record its spans."""
    log_end(worker_name, item)
    if traces:
        traces.record(worker_name, item)


def report_compiled(connection: Redis, compiled: int, kernels: int) -> None:
    """Tell front ends how many kernels are compiled; they don't need it."""
    with contextlib.suppress(RedisError):
        if compiled < kernels:
            connection.set(COMPILING_KEY, f"{compiled}/{kernels}", ex=COMPILING_TTL_S)
        else:
            connection.delete(COMPILING_KEY)


def run_worker(worker: BatchWorker) -> None:
    """Serve the queue until told to stop; start RQ's loop again when a Redis error ends it."""
    while True:
        try:
            worker.work(logging_level="WARNING")
        except RedisError as error:
            log.warning("RQ's loop ended: %s", error)
        try:
            while not worker.stopping and not is_writable(worker.connection):
                time.sleep(REDIS_PAUSE_S)
            if worker.stopping:
                return
            # A defect may end RQ's loop again and again; RQ has logged it.
            time.sleep(REDIS_PAUSE_S)
            # RQ refuses to register a worker whose key exists. This worker has no open job now.
            worker.connection.delete(worker.key)
        except StopRequested:
            return
        except RedisError:
            continue


def is_writable(connection: Redis) -> bool:
    """Return whether Redis responds and accepts writes."""
    try:
        connection.set(PROBE_KEY, b"", ex=1)
    except RedisError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
