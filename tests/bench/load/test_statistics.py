import pytest

from bench.load.closed_loop import Sample
from bench.load.statistics import (
    mean_batch,
    medians,
    parse_metrics,
    parse_server_timing,
    percentile,
    rounded,
    summarize,
)

METRICS = """\
# HELP foveate_requests_total Requests to /compress
# TYPE foveate_requests_total counter
foveate_requests_total{status="200"} 57.0
foveate_queue_length NaN
foveate_batch_size_bucket{le="16.0"} 9.0
foveate_batch_size_bucket{le="+Inf"} 9.0
foveate_batch_size_count 9.0
foveate_batch_size_sum 92.0
foveate_batch_size_created 1.7953539083630452e+09
"""


def make_sample(elapsed_ms: float = 100.0, status: int = 200, server_timing: str = "") -> Sample:
    return Sample(status, 0.0, elapsed_ms, 1000, 400, server_timing)


def test_percentiles_are_interpolated_between_the_ordered_values() -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.5
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.0) == 1.0
    assert percentile([4.0, 1.0, 3.0, 2.0], 1.0) == 4.0
    assert percentile(list(range(101)), 0.99) == 99
    assert percentile([7.0], 0.99) == 7.0
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_the_service_s_server_timing_is_parsed() -> None:
    header = "queue;dur=11.5, decode;dur=24.7, predict;dur=63.0, encode;dur=66.6"
    assert parse_server_timing(header) == {
        "queue": 11.5, "decode": 24.7, "predict": 63.0, "encode": 66.6,
    }  # fmt: skip


def test_descriptions_and_entries_without_duration_are_skipped() -> None:
    header = 'miss, db;desc="The database";dur="53.5" , app; DUR=47, broken;dur=x'
    assert parse_server_timing(header) == {"db": 53.5, "app": 47.0}
    assert parse_server_timing("") == {}


def test_metrics_keep_their_labels() -> None:
    found = parse_metrics(METRICS)
    assert found['foveate_requests_total{status="200"}'] == 57
    assert found["foveate_queue_length"] != found["foveate_queue_length"]  # NaN
    assert found["foveate_batch_size_count"] == 9


def test_the_mean_batch_is_that_between_two_readings() -> None:
    before = {"foveate_batch_size_sum": 12.0, "foveate_batch_size_count": 4.0}
    assert mean_batch(before, parse_metrics(METRICS)) == 16.0
    assert mean_batch({}, parse_metrics(METRICS)) == pytest.approx(92 / 9)
    assert mean_batch(before, before) is None


def test_a_summary_counts_jpegs_and_errors_by_status() -> None:
    samples = [
        make_sample(100.0, server_timing="queue;dur=10, decode;dur=20"),
        make_sample(200.0, server_timing="queue;dur=30, decode;dur=40"),
        make_sample(5.0, status=429),
        make_sample(5.0, status=429),
        make_sample(1.0, status=0),
    ]
    figures = summarize(samples, 4.0)
    assert figures["images_per_s"] == 0.5
    assert figures["p50_ms"] == 150.0
    assert figures["errors"] == {"429": 2, "no response": 1}
    assert figures["stage_ms"] == {
        "queue": {"p50": 20.0, "mean": 20.0},
        "decode": {"p50": 30.0, "mean": 30.0},
        "other": {"p50": 100.0, "mean": 100.0},
    }


def test_a_summary_of_errors_has_no_latencies() -> None:
    figures = summarize([make_sample(status=503)], 1.0)
    assert figures["images_per_s"] == 0
    assert "p50_ms" not in figures


def test_floats_are_rounded_to_four_digits() -> None:
    report = {"a": 1234.5678, "b": [0.0123456], "c": 123456.7, "d": 7, "e": None}
    assert rounded(report) == {"a": 1235.0, "b": [0.01235], "c": 123457, "d": 7, "e": None}


def test_each_number_gets_its_median() -> None:
    rounds = [{"a": 1.0, "b": {"c": 5.0}}, {"a": 3.0, "b": {"c": 9.0}}, {"a": 2.0, "b": {"c": 7.0}}]
    assert medians(rounds) == {"a": 2.0, "b": {"c": 7.0}}
    assert medians([{"a": None}, {"a": None}]) == {"a": None}
