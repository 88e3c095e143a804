"""Spans of a job, in the trace of its request; they need the extra ``tracing`` and a collector.

The environment names the collector, as for front ends (``app.telemetry.tracing``).
"""

import time
from typing import TYPE_CHECKING, Final

from contract.collector import has_collector
from worker.item import Item

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

NS_PER_S: Final = 1_000_000_000


class Traces:
    """Sends one span for each job of a traced request, with a child for the wait and for each stage."""

    def __init__(self, provider: "TracerProvider") -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("foveate.worker")

    def record(self, worker_name: str, item: Item) -> None:
        """Record the spans of a job that has ended. They are sent in the background."""
        if not item.traceparent or not item.spans:
            return
        from opentelemetry.trace import SpanKind, Status, StatusCode, set_span_in_context  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )

        offset_s = time.time() - time.monotonic()
        stages = [(name, began_s + offset_s, elapsed_s) for name, began_s, elapsed_s in item.spans]
        submitted_s = item.request.submitted_unix_s
        first_s = stages[0][1]
        ended_s = max(began_s + elapsed_s for _, began_s, elapsed_s in stages)
        job = self._tracer.start_span(
            "job",
            TraceContextTextMapPropagator().extract({"traceparent": item.traceparent}),
            SpanKind.CONSUMER,
            {
                "foveate.job_id": item.job_id,
                "foveate.worker": worker_name,
                "foveate.outcome": item.outcome,
                "foveate.pixels": item.request.pixels,
            },
            start_time=to_ns(min(submitted_s, first_s)),
        )
        if item.outcome == "failed":
            job.set_status(Status(StatusCode.ERROR))
        inside = set_span_in_context(job)
        queue = ("queue", submitted_s, max(0.0, first_s - submitted_s))
        for name, began_s, elapsed_s in (queue, *stages):
            span = self._tracer.start_span(name, inside, start_time=to_ns(began_s))
            span.end(to_ns(began_s + elapsed_s))
        job.end(to_ns(ended_s))

    def close(self) -> None:
        """Send the last spans; this may take seconds."""
        self._provider.shutdown()


def open_traces() -> Traces | None:
    """Return what sends spans, None if the environment names no collector.

    Raises:
        ImportError: when a collector is named and the extra is not installed.
    """
    if not has_collector():
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(
        resource=Resource.create({"service.name": "foveate-worker"}), shutdown_on_exit=False
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Traces(provider)


def to_ns(unix_s: float) -> int:
    """Return a Unix time in nanoseconds."""
    return int(unix_s * NS_PER_S)
