"""A front end logs one line for each request, and nothing of what users sent."""

import json
import time

from app.sources.signature import signed_path
from tests.integration.front_end import run_front_end
from tests.integration.http_requests import get, new_client
from tests.integration.running import Running, wait_for
from tests.photos import file_of, photo

KEY = "0123456789abcdef"


def test_lines_are_json_without_what_users_sent(service: Running) -> None:
    assert service.url
    with run_front_end(service.redis_url, FETCH_KEYS=KEY, FETCH_HOSTS="photos.example") as running:
        with new_client(base_url=running.url, timeout=30) as client:
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
    # Probes come too often to be logged.
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
    text = "\n".join(line["message"] + json.dumps(line) for line in lines)
    for secret in ("hidden", "quality", KEY):
        assert secret not in text


def test_lines_are_text_on_demand(service: Running) -> None:
    assert service.url
    with run_front_end(service.redis_url, LOG_FORMAT="text") as running:
        get(f"{running.url}/nothing")
        wait_for(lambda: any("404" in line for line in running.lines), 10)
        (line,) = [line for line in running.lines if "404" in line]
    assert 'path="/nothing" status=404' in line
