"""Prometheus metrics of a front end, and of all front ends that share a port.

Front ends that share a port also share their metrics (``app.serve``): each reports the sums.
"""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from app.telemetry.shared_metrics import SharedMetrics
from contract.messages import Failure, Reply, Result
from contract.version import VERSION

STAGE_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
TASKS = ("replies", "workers", "sweep", "detached job")
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """The metrics of one application, in a registry of their own.

    Two applications in one process would collide in prometheus_client's global registry.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "foveate_requests", "Requests to /compress", ["status"], registry=self.registry
        )
        self.fetches = Counter(
            "foveate_fetches", "Requests to /fetch", ["status"], registry=self.registry
        )
        self.errors = Counter(
            "foveate_errors",
            "Errors of requests by code",
            ["code"],
            registry=self.registry,
        )
        self.task_deaths = Counter(
            "foveate_task_deaths",
            "Unexpected ends of background tasks; each was started again",
            ["task"],
            registry=self.registry,
        )
        # From 0 on: an increase from no sample to 1 is none.
        for task in TASKS:
            self.task_deaths.labels(task)
        self.bytes_in = Counter(
            "foveate_bytes_in",
            "Bytes of the uploads whose results were sent",
            registry=self.registry,
        )
        self.bytes_out = Counter("foveate_bytes_out", "Bytes of JPEGs sent", registry=self.registry)
        self.cache = Counter(
            "foveate_cache",
            "Uploads by the origin of their result: hit (the cache), joined (an equal upload in "
            "progress), miss (a worker)",
            ["outcome"],
            registry=self.registry,
        )
        self.pending = Gauge(
            "foveate_pending_uploads",
            "Uploads and jobs that hold a place in a front end",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        # The next four are the same for every front end, so the most recent value is the right one.
        self.queue_length = Gauge(
            "foveate_queue_length",
            "Jobs waiting in the queue",
            registry=self.registry,
            multiprocess_mode="mostrecent",
        )
        self.workers = Gauge(
            "foveate_workers",
            "Live workers",
            registry=self.registry,
            multiprocess_mode="mostrecent",
        )
        self.wait = Gauge(
            "foveate_wait_seconds",
            "Time that all waiting and running photos take at the measured rate",
            registry=self.registry,
            multiprocess_mode="mostrecent",
        )
        self.webhooks = Counter(
            "foveate_webhooks",
            "Attempts to deliver webhooks: delivered or failed; dropped are the webhooks given up",
            ["outcome"],
            registry=self.registry,
        )
        self.open_webhooks = Gauge(
            "foveate_open_webhooks",
            "Webhooks that are not delivered yet, those of jobs that have not ended included",
            registry=self.registry,
            multiprocess_mode="mostrecent",
        )
        self.stages = Histogram(
            "foveate_stage_seconds",
            "Time of each stage for one photo; queue is the wait before the first stage",
            ["stage"],
            buckets=STAGE_BUCKETS_S,
            registry=self.registry,
        )
        # Looking up a label takes as long as observing a value, so the look-ups are kept.
        self._labelled_stages: dict[str, Histogram] = {}
        # A gauge, because several processes can't share an Info metric.
        self.build_info = Gauge(
            "foveate_build_info",
            "Always 1; the label is the version of the service",
            ["version"],
            registry=self.registry,
            multiprocess_mode="max",
        )
        self.build_info.labels(VERSION).set(1)
        # Only the reply of a batch's first item has the size, so that each batch counts once.
        self.batch_size = Histogram(
            "foveate_batch_size",
            "Photos in one pass of the network",
            buckets=BATCH_BUCKETS,
            registry=self.registry,
        )

        self.request_s = Histogram(
            "foveate_request_seconds",
            "Time from the request line of an upload or a fetch to the start of its response",
            ["route"],
            buckets=STAGE_BUCKETS_S,
            registry=self.registry,
        )
        self.shared = SharedMetrics()
        self.registry.register(self.shared)

    def expose(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        registry.register(self.shared)
        return generate_latest(registry)

    def count_death(self, task: str) -> None:
        """Count the unexpected end of a background task."""
        self.task_deaths.labels(task).inc()

    def observe_reply(self, reply: Reply) -> None:
        """Record the batch size and the stage times that a worker reports."""
        if reply.batch_size:
            self.batch_size.observe(reply.batch_size)
        if isinstance(reply, Failure):
            return
        for stage, elapsed_ms in reply.stage_ms.items():
            histogram = self._labelled_stages.get(stage) or self._labelled_stages.setdefault(
                stage, self.stages.labels(stage)
            )
            histogram.observe(elapsed_ms / 1e3)

    def observe_result(self, result: Result) -> None:
        """Count the bytes of a photo that was sent."""
        self.bytes_in.inc(result.original_bytes)
        self.bytes_out.inc(result.compressed_bytes)
