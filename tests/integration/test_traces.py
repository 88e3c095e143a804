"""One trace and one request id lead from the upload to the worker's store."""

import json
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.app.telemetry.collector import collector
from tests.integration.http_requests import post
from tests.integration.running import run_service
from tests.photos import file_of, photo

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
STAGES = ("fetch", "decode", "predict", "encode", "store")


def test_a_trace_leads_from_the_upload_to_the_store(tmp_path: Path) -> None:
    headers = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01", "X-Request-ID": "abcdefgh"}
    with collector() as (url, received):
        settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_EXPORTER_OTLP_COMPRESSION": "none"}
        with run_service(tmp_path, pass_s=0.01, **settings) as service:
            content = file_of(photo(64, 48), "JPEG")
            response = post(f"{service.url}/compress", content=content, headers=headers)
            assert response.status_code == 200
        # Front end and worker have sent their last spans when they have ended.
        bodies = list(received)
    spans = {}
    for body in bodies:
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            (service_name,) = [
                one.value.string_value
                for one in resource.resource.attributes
                if one.key == "service.name"
            ]
            for scope in resource.scope_spans:
                for span in scope.spans:
                    if span.trace_id.hex() == TRACE:
                        spans[span.name] = (service_name, span)
    assert set(spans) == {"POST /compress", "job", "queue", *STAGES}
    request = spans["POST /compress"][1]
    job = spans["job"][1]
    assert spans["POST /compress"][0] == "foveate"
    assert request.parent_span_id.hex() == "00f067aa0ba902b7"
    assert spans["job"][0] == "foveate-worker"
    assert job.parent_span_id == request.span_id
    assert {spans[name][1].parent_span_id for name in ("queue", *STAGES)} == {job.span_id}
    ends = [spans[name][1].end_time_unix_nano for name in ("queue", *STAGES)]
    assert ends == sorted(ends)
    # The reply is sent within the store: the response may be complete before its span ends.
    assert request.start_time_unix_nano <= job.start_time_unix_nano < request.end_time_unix_nano

    lines = [json.loads(line) for line in service.output.splitlines() if line.startswith("{")]
    by_message = {line["message"]: line for line in lines if line.get("request_id") == "abcdefgh"}
    assert by_message["request"]["status"] == 200
    job_line = by_message["job"]
    assert job_line["outcome"] == "finished"
    assert set(job_line["stages_ms"]) >= {"queue", "decode", "predict", "encode"}
    assert job_line["bytes_out"] == by_message["request"]["bytes_out"]
