"""The service benchmark: options, report, and the figures of a service."""

import argparse
import json
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.environment import ROOT
from bench.service import run
from bench.service.compared_servers import find_installed
from tests.bench.load.fake_service import fake_service


def test_the_options_have_the_documented_defaults() -> None:
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    args = parser.parse_args([])
    assert args.clients == [1, 16]
    assert args.options == "quality=50&target=size&progressive=false"
    assert args.url is None
    # None: shares of the closed loop's throughput; all installed rivals.
    assert args.rate is None
    assert args.rivals is None
    assert parser.parse_args(["--rate", "--rivals"]).rate == []


SUMMARY_KEYS = {
    *("images_per_s", "p50_ms", "p99_ms", "cpu_ms_per_image", "mean_batch", "stage_ms"),
}


@pytest.mark.usefixtures("shared_service")
def test_the_summary_has_rivals_and_foveate_of_the_same_rounds(
    photo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = {"decode": {"p50": 1.0, "mean": 1.0}}
    spent = {"app": 1.0, "worker": 3.0, "redis": 0.0, "all": 4.0}
    figures = {
        "images_per_s": 1.0, "p50_ms": 2.0, "p95_ms": 2.5, "p99_ms": 3.0, "steal": 0.0,
        "cpu_ms_per_image": spent, "mean_batch": 1.5, "stage_ms": stages, "gpu_percent": None,
    }  # fmt: skip
    calls: list[object] = []

    def compared(rivals: list[str], *_: object, **options: object) -> dict[str, object]:
        calls.append((rivals, options["clients"]))
        ratio = {"images_per_s": 1.0, "standard_error": None}
        names = ("foveate", *rivals)
        servers = {name: {**figures, "ratio": ratio, "rounds": [figures]} for name in names}
        own = {"cpu_ms": 8.0, "elapsed_ms": 4.0, "p50_ms": 2.0}
        alone = {"single": own, "batch": own, "mozjpeg": {"defaults": own}}
        return {
            "servers": servers,
            "workers": 1,
            "alone": {**alone, "rounds": [alone]},
            "single_client": {**figures, "rounds": [figures]},
            "defaults": {**figures, "rounds": [figures]},
        }

    # test_comparison.py tests `compare`.
    monkeypatch.setattr(run, "compare", compared)
    out = tmp_path / "service.json"
    arguments = ["--images", str(photo_folder), "--clients", "2", "--seconds", "1"]
    arguments += ["--warm-up", "0.1"]
    rate = ["--rate", "4", "--rate-seconds", "1"]
    assert main(["service", *arguments, *rate, "--out", str(out)]) == 0
    report = json.loads(out.read_text())
    assert calls == [(find_installed(["mosec", "litserve", "inprocess"])[0], 2)]
    assert report["summary"].keys() == {"foveate", *calls[0][0]}  # type: ignore[index]
    for server in report["summary"].values():
        assert server == {
            "images_per_s": 1.0, "p50_ms": 2.0, "p99_ms": 3.0,
            "cpu_ms_per_image": {"app": 1.0, "worker": 3.0, "redis": 0.0},
            "mean_batch": 1.5, "stage_ms": stages,
        }  # fmt: skip
    cpu = report["ratios"]["cpu_time_over_decode_and_mozjpeg"]
    assert cpu["defaults"]["ratio"] == 0.5
    (opened,) = report["open_loop"]["rates"]
    for loop in (report["clients"]["2"], opened):
        assert loop["cpu_ms_per_image"].keys() == {"app", "worker", "redis"}
        assert loop["cpu_ms_per_image"]["worker"] > 0
        assert loop["mean_batch"] >= 1
        assert loop["errors"] == {}
        assert "gpu_percent" in loop
    assert opened["offered_images_per_s"] == 4.0


def test_a_service_given_by_its_url_has_no_figures_of_processes(
    photo_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "service.json"
    arguments = ["--images", str(photo_folder), "--clients", "2", "--seconds", "0.5"]
    arguments += ["--warm-up", "0"]
    with fake_service(lambda _: (200, 0.01)) as (url, _):
        quick = [*arguments, "--rate-seconds", "0.5", "--rivals", "--url", url]
        assert main(["service", *quick, "--out", str(out)]) == 0
    report = json.loads(out.read_text())
    assert report["summary"].keys() == {"foveate"}
    assert report["summary"]["foveate"].keys() == SUMMARY_KEYS
    assert set(report["summary"]["foveate"]["cpu_ms_per_image"].values()) == {None}
    assert report["clients"]["2"]["cpu_ms_per_image"] == {}
    assert report["clients"]["2"]["mean_batch"] == 2.0
    assert len(report["open_loop"]["rates"]) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--url", "https://example.org"], "http://HOST:PORT"),
        (["--url", "http://example.org/photos"], "without a path"),
        (["--url", "http://127.0.0.1:1", "--memory"], "starts its own service"),
        (["--rate", "0"], "above 0"),
        (["--clients", "0"], "above 0"),
    ],
)
def test_invalid_options_are_an_error(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["service", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_another_version_is_compared_without_rivals(monkeypatch: pytest.MonkeyPatch) -> None:
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    monkeypatch.setattr(run, "compare", lambda rivals, *_, **options: (rivals, options["against"]))
    args = parser.parse_args(["--rivals", "--against", str(ROOT)])
    assert run.measure_serving(args, [], 16) == ([], ROOT)


def test_a_folder_that_is_not_a_checkout_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["service", "--against", str(tmp_path)])
    assert "is not a checkout of this project" in capsys.readouterr().err


def test_rivals_are_not_compared_with_another_machine_unless_they_are_named() -> None:
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    args = parser.parse_args(["--url", "http://192.0.2.1:8000"])
    assert run.measure_serving(args, [], 16) is None
    assert run.measure_serving(parser.parse_args(["--rivals"]), [], 16) is None
