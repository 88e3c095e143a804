"""OpenTelemetry traces of requests; they need the extra ``tracing`` and a collector to send to.

The environment names the collector, as OpenTelemetry's specification of the OTLP exporter says.
"""

from collections.abc import Callable

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from contract.collector import has_collector


def current_traceparent() -> str:
    """Return the current span as a W3C ``traceparent``; "" without a span that is recorded."""
    if not has_collector():
        return ""
    from opentelemetry.trace import get_current_span  # noqa: PLC0415
    from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
        TraceContextTextMapPropagator,
    )

    if not get_current_span().get_span_context().trace_flags.sampled:
        return ""
    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get("traceparent", "")


def instrument(app: FastAPI) -> Callable[[], object]:
    """Trace the requests of ``app`` if the environment names a collector.

    Return a function that sends the last spans and may take seconds. Call it before the process
    ends, because a server that ends by a signal runs no exit handlers.

    Raises:
        ImportError: when a collector is named and the extra is not installed.
    """
    if not has_collector():
        return send_nothing
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
        # Spans of probes, and of each chunk of a body, would outnumber the spans of requests.
        excluded_urls="/livez,/readyz,/metrics",
        exclude_spans=["receive", "send"],
    )
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: Utf8Headers(build())  # type: ignore[method-assign]
    return provider.shutdown


def send_nothing() -> None:
    """Do nothing: without traces there are no spans to send."""


class Utf8Headers:
    """Passes requests on with headers in UTF-8; others are taken for Latin-1 (RFC 9110, 5.5).

    OpenTelemetry reads other headers with escapes, and fails where one is incomplete. It runs
    outside of all other middlewares, so the client would get a 500.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] == "http":
            headers = [(name, to_utf8(value)) for name, value in scope["headers"]]
            scope = {**scope, "headers": headers}
        await self._app(scope, receive, send)


def to_utf8(value: bytes) -> bytes:
    """Return ``value`` if it is UTF-8, else its characters in Latin-1 as UTF-8."""
    try:
        value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1").encode()
    return value
