"""Replies and results of workers appear in Prometheus' text format."""

import re

from app.telemetry.metrics import Metrics
from contract.messages import Failure, Result
from contract.version import VERSION
from tests.docs.documents import ROOT


def make_result(batch_size: int) -> Result:
    return Result(
        *("job", 1, 1, 1000, 400, 600, "v", None),
        {"queue": 4.0, "decode": 12.0, "predict": 56.0, "encode": 33.0},
        batch_size,
    )


def test_a_reply_is_observed_by_its_stages_and_its_batch() -> None:
    metrics = Metrics()
    metrics.observe_reply(make_result(batch_size=3))
    metrics.observe_reply(make_result(batch_size=0))  # not the first item of its batch
    text = metrics.expose().decode()
    assert 'foveate_stage_seconds_sum{stage="predict"} 0.112' in text
    for stage in ("queue", "decode", "predict", "encode"):
        assert f'foveate_stage_seconds_count{{stage="{stage}"}} 2.0' in text
    assert "foveate_batch_size_sum 3.0" in text
    assert 'foveate_batch_size_bucket{le="256.0"} 1.0' in text  # the largest MAX_BATCH_SIZE
    assert "foveate_batch_size_count 1.0" in text


def test_a_failure_counts_for_its_batch_only() -> None:
    metrics = Metrics()
    metrics.observe_reply(Failure("job", "corrupt-image", "Broken.", batch_size=2))
    text = metrics.expose().decode()
    assert "foveate_batch_size_sum 2.0" in text
    assert "foveate_stage_seconds_count" not in text


def test_a_result_counts_its_bytes_in_and_out() -> None:
    metrics = Metrics()
    for _ in range(2):
        metrics.observe_result(make_result(batch_size=1))
    text = metrics.expose().decode()
    assert "foveate_bytes_in_total 2000.0" in text
    assert "foveate_bytes_out_total 800.0" in text


def test_two_applications_in_one_process_count_apart() -> None:
    first, second = Metrics(), Metrics()
    first.requests.labels("200").inc()
    assert 'foveate_requests_total{status="200"} 1.0' in first.expose().decode()
    assert "foveate_requests_total{" not in second.expose().decode()


def test_the_version_is_a_label() -> None:
    assert f'foveate_build_info{{version="{VERSION}"}} 1.0' in Metrics().expose().decode()


def test_the_metrics_are_those_of_the_documents() -> None:
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`foveate_.*?) \| (counter|gauge|histogram) \|", text, re.MULTILINE)
    documented = {
        (name.removesuffix("_total"), kind)
        for names, kind in rows
        for name in re.findall(r"`(foveate_[a-z_]+)", names)
    }
    exposed = re.findall(
        r"^# TYPE (foveate_\w+?)(?:_total)? (\w+)$", Metrics().expose().decode(), re.MULTILINE
    )
    assert {(name, kind) for name, kind in exposed if not name.endswith("_created")} == documented
