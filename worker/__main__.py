"""``python -m worker``: warm the network and the encoder up, then serve the queue."""

import argparse
import gc
import logging
import os
import sys
import time
import warnings

from pydantic import ValidationError
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq.exceptions import StopRequested
from rq.queue import Queue
from rq.serializers import JSONSerializer

import codec
from contract.keys import QUEUE_NAME
from model import Predictor
from worker.pipeline import Limits, Pipeline
from worker.queue.batch_worker import BatchWorker
from worker.settings import WorkerSettings
from worker.version import name_version

# RQ blocks this much shorter than the worker's time to live for a job (``worker_ttl - 15``);
# short, so that an idle worker still sweeps expired registry entries and sends heartbeats.
WORKER_TTL_S = 20
# Between two looks at whether a Redis that failed takes writes again.
REDIS_PAUSE_S = 0.5
# Who waits for the interpreter asks for it after this time instead of 5 ms: a codec thread mostly
# needs it for the moment between two pieces of native work, while a core idles.
SWITCH_INTERVAL_S = 0.0005

log = logging.getLogger(__name__)


def main() -> int:
    """Run one worker until SIGTERM or SIGINT; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    parser.add_argument("--name", default=None, help="name of this worker in RQ (default: random)")
    arguments = parser.parse_args()
    try:
        settings = WorkerSettings()
    except ValidationError as error:
        print(f"worker: invalid setting: {error}", file=sys.stderr)
        return 2
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    # Several lines for each job are too many for a service.
    logging.getLogger("rq.worker").setLevel(max(logging.WARNING, logging.root.level))
    # What readers think of damaged metadata is no news to anyone.
    warnings.filterwarnings("ignore", module="PIL")

    # One try again at once, for a connection that Redis has closed meanwhile; what goes beyond
    # that is ours to wait for, with heartbeats and orders to stop in mind.
    connection = Redis.from_url(settings.redis_url, retry=Retry(NoBackoff(), 1))
    try:
        connection.ping()
        predictor = Predictor(settings.device)
        predictor.version = name_version(
            predictor.version, f"{predictor.device.type} {predictor.precision}"
        )
        predictor.warm_up(settings.max_batch_size)
        codec.warm_up()
    except (RedisError, RuntimeError, OSError) as error:
        print(f"worker: {error}", file=sys.stderr)
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
        pass_threads=settings.pass_threads,
    )
    worker = BatchWorker(
        Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer),
        pipeline,
        result_ttl_s=settings.result_ttl_s,
        version=predictor.version,
        name=arguments.name,
        connection=connection,
        serializer=JSONSerializer,
        maintenance_interval=settings.maintenance_interval_s,
        worker_ttl=WORKER_TTL_S,
    )
    # The libraries' hundreds of thousands of objects stay: looking through them for garbage stopped
    # all threads for a tenth of a second, several times a minute.
    gc.collect()
    gc.freeze()
    # Registering as a worker is what makes the service ready, so it comes after the warm-up.
    log.info("worker %s ready on %s (pid %d)", worker.name, predictor.device, os.getpid())
    serve(worker)
    pipeline.close()
    return 0


def serve(worker: BatchWorker) -> None:
    """Work until told to stop; RQ's loop ends when Redis fails it, and is entered again."""
    while True:
        try:
            worker.work(logging_level="WARNING")
        except RedisError as error:
            log.warning("the queue's loop ended: %s", error)
        try:
            while not worker.stopping and not is_writable(worker.connection):
                time.sleep(REDIS_PAUSE_S)
            if worker.stopping:
                return
            # Nothing is open any more, so there is nothing to be found under the old entry.
            worker.connection.delete(worker.key)
        except StopRequested:
            return
        except RedisError:
            continue


def is_writable(connection: "Redis") -> bool:
    """Return whether Redis answers and takes writes."""
    try:
        connection.set("foveate:writable", b"", ex=1)
    except RedisError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
