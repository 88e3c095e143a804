"""What Prometheus can read of one front-end process, or of all that count together.

Those on one port do (``app.serve``): each of them reports the sum of all.
"""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from contract.messages import Failure, Reply, Result
from contract.version import VERSION

STAGE_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
BATCH_BUCKETS = (1, 2, 4, 8, 16, 32, 64, 128, 256)


class Metrics:
    """One registry for each application, so that two in one process don't collide."""

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
        self.bytes_in = Counter(
            "foveate_bytes_in", "Bytes of compressed photos, as uploaded", registry=self.registry
        )
        self.bytes_out = Counter("foveate_bytes_out", "Bytes of JPEGs sent", registry=self.registry)
        self.cache = Counter(
            "foveate_cache",
            "Uploads by where their result came from: hit (cache), joined (an equal upload that "
            "was under way), miss (a worker)",
            ["outcome"],
            registry=self.registry,
        )
        self.pending = Gauge(
            "foveate_pending_uploads",
            "Uploads held",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        # Everybody's: who was asked last has just looked.
        self.queue_length = Gauge(
            "foveate_queue_length",
            "Jobs that wait in the queue",
            registry=self.registry,
            multiprocess_mode="mostrecent",
        )
        self.workers = Gauge(
            "foveate_workers",
            "Workers alive",
            registry=self.registry,
            multiprocess_mode="mostrecent",
        )
        self.stages = Histogram(
            "foveate_stage_seconds",
            "Time of each stage for one photo; queue is the wait before the first",
            ["stage"],
            buckets=STAGE_BUCKETS_S,
            registry=self.registry,
        )
        # Looking a label up takes as long as counting under it.
        self._stages: dict[str, Histogram] = {}
        # A gauge, because an Info metric cannot be shared by several processes.
        self.build_info = Gauge(
            "foveate_build_info",
            "The version of the service; always 1",
            ["version"],
            registry=self.registry,
            multiprocess_mode="max",
        )
        self.build_info.labels(VERSION).set(1)
        # Counted by the reply of a batch's first item, so every batch counts once.
        self.batch_size = Histogram(
            "foveate_batch_size",
            "Photos in one pass of the network",
            buckets=BATCH_BUCKETS,
            registry=self.registry,
        )

    def expose(self) -> bytes:
        """Return all in Prometheus' text format."""
        if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
            return generate_latest(self.registry)
        everyone = CollectorRegistry()
        MultiProcessCollector(everyone)  # type: ignore[no-untyped-call]
        return generate_latest(everyone)

    def observe_reply(self, reply: Reply) -> None:
        """Count what a worker reports."""
        if reply.batch_size:
            self.batch_size.observe(reply.batch_size)
        if isinstance(reply, Failure):
            return
        for stage, elapsed_ms in reply.stage_ms.items():
            histogram = self._stages.get(stage) or self._stages.setdefault(
                stage, self.stages.labels(stage)
            )
            histogram.observe(elapsed_ms / 1e3)

    def observe_result(self, result: Result) -> None:
        """Count a photo that was sent."""
        self.bytes_in.inc(result.original_bytes)
        self.bytes_out.inc(result.compressed_bytes)
