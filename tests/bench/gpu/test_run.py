"""The GPU benchmark: all parts on the CPU, its budget, and a machine without a GPU."""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from bench.__main__ import main
from bench.environment import ROOT
from bench.gpu import run
from bench.gpu.parts import Part

STAGES = {"queue", "decode", "predict", "encode", "other"}
ROLES = {"app", "worker", "redis", "load"}


def measure_here(part: Part, ends_s: float) -> dict[str, Any]:
    """Run a part in this process. test_parts.py tests `run_part`."""
    assert ends_s > time.monotonic()
    return {"figures": part.measure(**part.arguments)}


@pytest.mark.usefixtures("shared_service")
def test_all_parts_are_measured_on_the_cpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "run_part", measure_here)
    monkeypatch.setattr(run, "QUERIES", ("",))
    monkeypatch.setattr(run, "PHOTOS", 2)
    monkeypatch.setattr(run, "PHOTO_PX", (192, 128))
    out = tmp_path / "gpu.json"
    arguments = ["--device", "cpu", "--seconds", "0.6", "--batch-sizes", "1", "2"]
    arguments += ["--workers", "1", "--front-ends", "1", "--clients", "2"]
    assert main(["gpu", *arguments, "--out", str(out)]) == 0
    result = json.loads(out.read_text())
    meta, parts = result["meta"], result["parts"]
    assert (meta["device"], meta["cuda"], meta["seed"]) == ("cpu", None, 0)
    assert meta.keys() >= {"command", "cpu", "cores", "gpus", "packages", "git", "date"}
    assert list(parts) == ["network", "codec", "service, workers: 1"]
    for rates in parts["network"]["figures"].values():
        assert list(rates) == ["1", "2"]
        assert min(rates.values()) > 0
    assert parts["network"]["figures"].keys() == {"predictor", "network"}
    codec = parts["codec"]["figures"]
    for threads in (codec["decode"], *codec["encode"].values()):
        assert threads["1"]["images_per_s"] > 0
    loads = parts["service, workers: 1"]["figures"]
    assert loads.keys() == codec["encode"].keys() == {""}
    for load in loads.values():
        assert load["errors"] == {}
        assert load["images_per_s"] > 0
        assert load["stage_ms"].keys() == STAGES
        assert load["cores_busy"].keys() == load["busiest_process"].keys() == ROLES
        assert load["cores_busy"]["worker"] > 0
        assert load["load_cpu_ms_per_image"] > 0
        assert set(load["limits"]) <= {"worker CPU", "front end", "Redis", "load generator"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_cuda_device_it_ends_with_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "gpu.json"
    assert main(["gpu", "--out", str(out)]) == 2
    assert "finds no CUDA device; nothing was measured" in capsys.readouterr().err
    assert not out.exists()


def test_each_part_is_in_the_file_before_the_next_one_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "gpu.json"
    written: list[list[str]] = []

    def measure(part: Part, _: float) -> dict[str, Any]:
        written.append(list(json.loads(out.read_text())["parts"]) if out.exists() else [])
        if part.name == "codec":
            return {"error": "no kernels"}
        return {"figures": {"a": {"images_per_s": 20.0}, "b": {"images_per_s": 1234.5678}}}

    monkeypatch.setattr(run, "run_part", measure)
    arguments = ["--device", "cpu", "--workers", "1", "2", "--out", str(out)]
    assert main(["gpu", *arguments]) == 1  # because of the part that failed
    names = ["network", "codec", "service, workers: 1", "service, workers: 2"]
    assert written == [names[:number] for number in range(4)]
    assert json.loads(out.read_text())["parts"]["codec"] == {"error": "no kernels"}
    assert "1000 images/s end to end reached: 1235 at most" in capsys.readouterr().out


def test_all_parts_fit_into_ten_minutes() -> None:
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    args = parser.parse_args([])
    assert args.batch_sizes == [1, 2, 4, 8, 16, 32, 64, 128]
    assert args.workers == [1, 2, 4]
    parts = run.list_parts(args)
    assert len(parts) == 5
    assert sum(part.budget_s for part in parts) <= run.TOTAL_S < 600


def test_it_needs_no_package_of_other_benchmarks() -> None:
    modules = "bench.gpu.run, bench.gpu.stages"
    script = f"import sys, {modules}; print(*{{name.split('.')[0] for name in sys.modules}})"
    shown = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    others = {"pyvips", "pyjpegli", "torchmetrics", "ssimulacra2", "psnr_hvsm", "matplotlib"}
    assert not set(shown.stdout.split()) & others


def test_a_service_without_jpegs_has_no_rate() -> None:
    assert run.find_best_rate({"service, workers: 1": {"error": "ServiceError"}}) == 0
