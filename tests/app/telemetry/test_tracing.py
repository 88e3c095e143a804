"""Requests are traced if the environment names a collector."""

import httpx
import pytest
from fastapi import FastAPI

from app.telemetry import tracing
from contract.collector import ENDPOINT_VARIABLES
from tests.app.telemetry.collector import collector
from tests.integration.front_end import run_front_end

REDIS = "unix:///nonexistent/redis.sock"


def test_without_a_collector_nothing_is_traced(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENDPOINT_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    app = FastAPI()
    assert tracing.instrument(app)() is None
    assert app.user_middleware == []


def test_requests_are_sent_to_the_collector() -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    with collector() as (url, received):
        with run_front_end(
            REDIS, OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_EXPORTER_OTLP_COMPRESSION="none"
        ) as running:
            headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
            httpx.get(f"{running.url}/jobs/x/heatmap", headers=headers)
        # The front end has sent its last spans when it has ended.
        spans = b"".join(received)
    assert b"foveate" in spans
    assert b"/jobs/{job_id}/heatmap" in spans
    assert bytes.fromhex(trace_id) in spans
    assert b"/livez" not in spans
