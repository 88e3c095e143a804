"""The GPU benchmark without a GPU, with failing steps, and its order of steps."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.__main__ import main
from bench.gpu import run
from bench.gpu.run import Report, Setup, list_rates
from bench.load.service_process import ServiceError


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_nothing_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "gpu.json"
    assert main(["gpu", "--out", str(out)]) == 0
    assert "nothing was measured" in capsys.readouterr().out
    assert not out.exists()


def test_a_step_that_fails_or_lacks_time_is_recorded_at_once(
    tmp_path: Path,
) -> None:
    out = tmp_path / "figures" / "gpu.json"
    report = Report({"device": "none"}, out, budget_s=100.0)

    def fail() -> None:
        raise ServiceError("no Redis to start")

    report.step("served", 50, fail)
    assert json.loads(out.read_text())["served"] == "ServiceError: no Redis to start"
    report.step("long", 1000, lambda: pytest.fail("there was no time for it"))
    assert "no time left" in json.loads(out.read_text())["long"]
    assert report.step("short", 1, lambda: {"rate": 1.23456}) == {"rate": 1.23456}
    assert json.loads(out.read_text())["short"] == {"rate": 1.235}


def test_later_points_use_the_best_number_of_workers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    served: list[tuple[Setup, tuple[int, ...]]] = []

    def serve(
        report: Report, photos: list[bytes], seconds: float, clients: tuple[int, ...], setup: Setup
    ) -> Any:
        assert (photos, seconds) == ([b""], 1.0)
        served.append((setup, clients))
        rate = 400.0 + setup.workers
        found = {"clients": {str(count): {"images_per_s": rate} for count in clients}}
        return report.step(str(len(served)), 0, lambda: found)

    monkeypatch.setattr(run, "serve_step", serve)
    monkeypatch.setattr(run, "measure_stages", lambda *_, **__: {})
    monkeypatch.setattr(run, "measure_networks", lambda *_, **__: {})
    monkeypatch.setattr(run, "measure_compiled", lambda *_, **__: {})
    report = Report({}, None, budget_s=1000.0)
    run.measure(report, [b""], 1.0)
    assert [setup.workers for setup, _ in served[:4]] == [4, 2, 8, 1]
    later = served[4:]
    assert all(setup.workers == 8 for setup, _ in later)
    assert later[0][1] == run.CLIENTS
    assert max(list_rates(report.figures)) == 408.0
    assert "networks_images_per_s" in capsys.readouterr().out


def test_the_budget_counts_from_the_start() -> None:
    report = Report({}, None, budget_s=0.05)
    assert 0 < report.left_s() <= 0.05
    time.sleep(0.06)
    assert report.left_s() < 0
