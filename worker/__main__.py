"""``python -m worker``: warm the network and the encoder up, then serve the queue."""

import argparse
import logging
import os
import sys
import warnings

from pydantic import ValidationError
from redis import Redis
from redis.exceptions import RedisError
from rq.queue import Queue
from rq.serializers import JSONSerializer

import codec
from contract.keys import QUEUE_NAME
from model import Predictor
from worker.batching import BatchWorker
from worker.pipeline import Pipeline
from worker.settings import WorkerSettings
from worker.version import name_version

# RQ blocks this much shorter than the worker's time to live for a job (``worker_ttl - 15``);
# short, so that an idle worker still sweeps expired registry entries and sends heartbeats.
WORKER_TTL_S = 20


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
    # Several lines for each job are too many for a service.
    logging.getLogger("rq.worker").setLevel(max(logging.WARNING, logging.root.level))
    # What readers think of damaged metadata is no news to anyone.
    warnings.filterwarnings("ignore", module="PIL")

    connection = Redis.from_url(settings.redis_url)
    try:
        connection.ping()
        predictor = Predictor(settings.device)
        predictor.version = name_version(predictor.version, predictor.device.type)
        predictor.warm_up(settings.max_batch_size)
        codec.warm_up()
    except (RedisError, RuntimeError, OSError) as error:
        print(f"worker: {error}", file=sys.stderr)
        return 1
    pipeline = Pipeline(
        connection,
        predictor,
        threads=settings.codec_threads,
        max_pixels=settings.max_pixels,
        result_ttl_s=settings.result_ttl_s,
    )
    worker = BatchWorker(
        Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer),
        pipeline,
        max_batch_size=settings.max_batch_size,
        max_batch_pixels=settings.max_batch_pixels,
        result_ttl_s=settings.result_ttl_s,
        version=predictor.version,
        name=arguments.name,
        connection=connection,
        serializer=JSONSerializer,
        maintenance_interval=settings.maintenance_interval_s,
        worker_ttl=WORKER_TTL_S,
    )
    # Registering as a worker is what makes the service ready, so it comes after the warm-up.
    logging.getLogger(__name__).info(
        "worker %s ready on %s (pid %d)", worker.name, predictor.device, os.getpid()
    )
    worker.work(logging_level="WARNING")
    pipeline.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
