"""The service benchmark's summary and tables."""

from typing import Any

import pytest

from bench.service.report import print_report, summarize_server

LOAD: dict[str, Any] = {
    "images_per_s": 40.0, "p50_ms": 1.0, "p95_ms": 2.0, "p99_ms": 3.0, "errors": {},
    "stage_ms": {"decode": {"p50": 5.0, "mean": 5.0}}, "gpu_percent": None,
    "mean_batch": None, "cpu_ms_per_image": {"app": 1.5, "worker": 40.0},
}  # fmt: skip


def test_unknown_figures_of_a_server_are_none() -> None:
    summary = summarize_server({**LOAD, "cpu_ms_per_image": {}})
    assert summary["cpu_ms_per_image"] == {"app": None, "worker": None, "redis": None}
    assert summary["mean_batch"] is None
    assert "p95_ms" not in summary


def test_the_tables_show_each_load_and_server(capsys: pytest.CaptureFixture[str]) -> None:
    own = {"cpu_ms": 50.0, "elapsed_ms": 51.0}
    alone = {"single": own, "batch": own, "mozjpeg": {"defaults": {**own, "cpu_ms": 30.0}}}
    server = {**LOAD, "ratio": {"images_per_s": 1.16, "standard_error": 0.02}}
    print_report({
        "meta": {"photos": "8 photos", "options": "quality=50"},
        "clients": {"16": {**LOAD, "errors": {"503": 2}, "gpu_percent": 75.0}},
        "open_loop": {"rates": [{
            **LOAD, "offered_images_per_s": 20.0, "kept_up": False, "cpu_ms_per_image": {},
        }]},
        "serving": {
            "servers": {"mosec": server}, "alone": alone, "single_client": LOAD, "defaults": LOAD,
        },
        "ratios": {"network": {"ratio": 0.3, "standard_error": None}},
        "memory": {"ready": {"app": 2**20}, "errors": {}, "large_photo": {}},
    })  # fmt: skip
    words = ("decode 5.0", "alone", "mosec", "network")
    closed, opened, mosec, stages, _, mozjpeg, network = (
        line for line in capsys.readouterr().out.splitlines() if any(word in line for word in words)
    )
    assert "app 1.5 worker 40.0 | {'503': 2} | GPU 75 %" in closed
    assert "unknown | none | requests were sent late" in opened
    assert "1.160 ± 0.020 times Foveate's" in mosec
    assert "stages, single: 50.0 ms of CPU time per image" in stages
    assert "decode and mozjpeg, defaults: 30.0 ms of CPU time per image" in mozjpeg
    assert network == "network: 0.300"
