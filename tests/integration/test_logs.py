"""A running front end logs JSON: one line for each request, and nothing of what was sent."""

import json
import time

import httpx

from app.sources.signature import signed_path
from tests.integration.front_end import run_front_end
from tests.integration.running import Running, wait_for
from tests.photos import file_of, photo

KEY = "0123456789abcdef"


def test_lines_are_json_and_hold_nothing_of_the_users(service: Running) -> None:
    assert service.url
    with run_front_end(service.redis_url, FETCH_KEYS=KEY, FETCH_HOSTS="photos.example") as running:
        with httpx.Client(base_url=running.url, timeout=30) as client:
            sent = client.post(
                "/compress?quality=41",
                content=file_of(photo()),
                headers={"X-Request-ID": "trace-0123456789", "Authorization": "Bearer hidden"},
            )
            form = {"file": ("hidden-name.jpg", b"hidden content")}
            client.post("/compress", files=form)
            client.get(signed_path(KEY.encode(), "http://hidden.example/hidden"))
            client.get("/jobs/hidden/heatmap")
        wait_for(lambda: len(running.lines) >= 4, 10)
        time.sleep(0.1)
        lines = [json.loads(line) for line in running.lines]
    requests = [line for line in lines if line["logger"] == "app.requests"]
    # Probes are asked too often to be worth a line.
    assert [line["path"] for line in requests] == [
        "/compress",
        "/compress",
        "/fetch/{signature}/{options}/{url:path}",
        "/jobs/{job_id}/heatmap",
    ]
    first = next(line for line in requests if line["path"] == "/compress")
    assert first["request_id"] == "trace-0123456789" == sent.headers["x-request-id"]
    assert first["status"] == 200
    assert first["bytes_out"] == len(sent.content)
    assert set(first["stages_ms"]) == {"queue", "decode", "predict", "encode"}
    text = "\n".join(running_line["message"] + json.dumps(running_line) for running_line in lines)
    for secret in ("hidden", "quality", KEY):
        assert secret not in text


def test_lines_can_be_text(service: Running) -> None:
    assert service.url
    with run_front_end(service.redis_url, LOG_FORMAT="text") as running:
        httpx.get(f"{running.url}/nothing")
        wait_for(lambda: any("404" in line for line in running.lines), 10)
        (line,) = [line for line in running.lines if "404" in line]
    assert 'path="/nothing" status=404' in line
