"""A job of a traced request has a span for its wait and for each stage."""

import time

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from contract.collector import ENDPOINT_VARIABLES
from contract.messages import Options, Request
from worker.item import Item
from worker.traces import Traces, open_traces

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def record(traceparent: str, error: Exception | None = None) -> dict[str, ReadableSpan]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    request = Request(Options(), "me", 1, 1, time.time() - 10, 0)
    item = Item("j", request, traceparent=traceparent)
    start_s = time.monotonic() - 10
    item.spans = [
        *(("fetch", start_s + 2, 0.5), ("decode", start_s + 3, 1.0), ("store", start_s + 5, 0.25))
    ]
    item.error = error
    traces = Traces(provider)
    traces.record("w", item)
    traces.close()
    return {span.name: span for span in exporter.get_finished_spans()}


def test_the_spans_continue_the_trace_of_the_request() -> None:
    spans = record(f"00-{TRACE}-{SPAN}-01")
    assert list(spans) == ["queue", "fetch", "decode", "store", "job"]
    job = spans["job"]
    assert job.parent
    assert f"{job.parent.span_id:016x}" == SPAN
    for span in spans.values():
        assert f"{span.context.trace_id:032x}" == TRACE
        if span is not job:
            assert span.parent
            assert span.parent.span_id == job.context.span_id
    start_ns = job.start_time or 0
    times_s = {
        name: [(at_ns or 0) / 1e9 - start_ns / 1e9 for at_ns in (span.start_time, span.end_time)]
        for name, span in spans.items()
    }
    assert times_s["queue"] == pytest.approx([0, 2], abs=0.05)
    assert times_s["decode"] == pytest.approx([3, 4], abs=0.05)
    assert times_s["job"] == pytest.approx([0, 5.25], abs=0.05)
    assert abs(start_ns / 1e9 + 10 - time.time()) < 5


def test_a_defect_is_an_error_of_its_span() -> None:
    assert not record(f"00-{TRACE}-{SPAN}-01", RuntimeError("defect"))["job"].status.is_ok


def test_without_a_parent_or_with_one_that_is_not_sampled_nothing_is_recorded() -> None:
    assert record("") == {}
    assert record(f"00-{TRACE}-{SPAN}-00") == {}


def test_without_a_collector_there_are_no_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENDPOINT_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert open_traces() is None
