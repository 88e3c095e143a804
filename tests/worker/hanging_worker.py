"""``python -m tests.worker.hanging_worker REDIS_URL``: serves the queue with a network that never returns."""

import sys
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from redis import Redis
from rq.queue import Queue
from rq.serializers import JSONSerializer

from contract.keys import QUEUE_NAME
from model.prediction import Prediction
from tests.worker.centre_predictor import CentrePredictor
from worker.pipeline import Limits, Pipeline
from worker.queue.batch_worker import BatchWorker


class HangingPredictor(CentrePredictor):
    """Hangs like a call in native code, which no signal ends."""

    def predict(self, batch: Sequence[NDArray[np.uint8]]) -> list[Prediction]:
        """Never return."""
        threading.Event().wait()
        return super().predict(batch)


def main(redis_url: str) -> None:
    """Serve the queue."""
    connection = Redis.from_url(redis_url)
    limits = Limits(max_batch_size=4, max_open_pixels=10**7, max_pixels=10**7, max_linger_ms=0.0)
    pipeline = Pipeline(connection, HangingPredictor(), threads=1, limits=limits, result_ttl_s=60)
    queue = Queue(QUEUE_NAME, connection=connection, serializer=JSONSerializer)
    BatchWorker(
        queue,
        pipeline,
        result_ttl_s=60,
        name="hanging",
        connection=connection,
        serializer=JSONSerializer,
    ).work(burst=True, logging_level="ERROR")


if __name__ == "__main__":
    main(sys.argv[1])
