"""OpenTelemetry traces of requests: with the extra ``tracing``, and only where they are sent."""

import os
from collections.abc import Callable

from fastapi import FastAPI

# The standard's own variables say where to (OpenTelemetry's specification of the OTLP exporter).
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def instrument(app: FastAPI) -> Callable[[], object]:
    """Trace the requests of ``app`` when the environment names a collector.

    Returns what sends the last spans, and may take seconds: a server that ends by a signal runs no
    exit handlers.

    Raises:
        ImportError: when it does and the extra isn't installed.
    """
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return nothing
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": "foveate"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    FastAPIInstrumentor.instrument_app(
        app,
        tracer_provider=provider,
        # A probe every second is no news, and a span for each chunk of a body tells nothing.
        excluded_urls="/livez,/readyz,/metrics",
        exclude_spans=["receive", "send"],
    )
    return provider.shutdown


def nothing() -> None:
    """Without traces there is nothing to send."""
