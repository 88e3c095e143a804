"""A job of a traced request has a span for its wait and for each stage."""

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from contract.messages import Options, Request
from worker.item import Item
from worker.traces import ENDPOINT_VARIABLES, Traces, open_traces

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def record(traceparent: str, error: Exception | None = None) -> dict[str, ReadableSpan]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    item = Item("j", Request(Options(), "me", 1, 1, 100.0, 0), 101.0, traceparent=traceparent)
    item.spans = [("fetch", 102.0, 0.5), ("decode", 103.0, 1.0), ("store", 105.0, 0.25)]
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
    times_s = {
        name: ((span.start_time or 0) / 1e9, (span.end_time or 0) / 1e9)
        for name, span in spans.items()
    }
    assert times_s["queue"] == (100.0, 102.0)
    assert times_s["decode"] == (103.0, 104.0)
    assert times_s["job"] == (100.0, 105.25)


def test_a_defect_is_an_error_of_its_span() -> None:
    assert not record(f"00-{TRACE}-{SPAN}-01", RuntimeError("defect"))["job"].status.is_ok


def test_without_a_parent_or_with_one_that_is_not_sampled_nothing_is_recorded() -> None:
    assert record("") == {}
    assert record(f"00-{TRACE}-{SPAN}-00") == {}


def test_without_a_collector_there_are_no_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENDPOINT_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert open_traces() is None
