"""Other servers with our model and encoder; each that is installed gives the very same JPEG."""

import argparse
import json
import math
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.datasets.uploads import generate_photo, to_jpeg
from bench.encoders import find_missing
from bench.environment import ROOT
from bench.load.statistics import medians
from bench.service import run as service
from bench.service.comparison import (
    SCALING,
    available,
    calm,
    compare,
    measure,
    ratio_of,
    started_ours,
)
from bench.service.report import summarize_server
from bench.service.servers import compressor
from bench.service.servers.alone import per_image
from bench.service.servers.compressor import settings_of
from bench.service.servers.mozjpeg_alone import measure_mozjpeg
from tests.bench.load.fake_service import fake_service
from worker import __main__ as worker_main
from worker.settings import WorkerSettings

OPTIONS = "quality=50&target=size&progressive=false"
SUMMARY_KEYS = {
    *("images_per_s", "p50_ms", "p99_ms", "cpu_ms_per_image", "mean_batch", "stage_ms"),
}


@pytest.mark.timeout(300)
def test_every_installed_rival_is_measured() -> None:
    photos = [to_jpeg(generate_photo(192, 128, seed)) for seed in range(2)]
    rivals, _ = available(["mosec", "litserve", "inprocess"])
    assert "inprocess" in rivals
    measured = compare(
        rivals,
        photos,
        OPTIONS,
        clients=4,
        rounds=1,
        seconds=1.5,
        warm_up_s=0.5,
        against=ROOT,
        workers=2,
    )
    servers = measured["servers"]
    scaled = {f"{name}, 2 workers" for name in rivals if name in SCALING}
    assert set(servers) == {"foveate", "foveate, 1 worker", "before", *rivals, *scaled}
    assert measured["workers"] == 2
    assert servers["foveate"]["ratio"] == {"images_per_s": 1.0, "standard_error": None}
    for name, server in servers.items():
        assert server["unstolen_images_per_s"] >= server["images_per_s"] > 0
        assert len(server["rounds"]) == 1
        assert 0.1 < server["ratio"]["images_per_s"] < 10
        assert 1.0 <= server["mean_batch"] <= 4.0
        spent = server["cpu_ms_per_image"]
        ours = name == "before" or name.startswith("foveate")
        assert spent.keys() == {"app", "worker", "redis", *([] if ours else ["all"])}
        # Whatever the server, computing costs more than HTTP.
        assert spent["worker"] > spent["app"]
        assert server["stage_ms"].keys() >= {"decode", "predict", "encode"}
        assert all(own["p50"] > 0 and own["mean"] > 0 for own in server["stage_ms"].values())
        if not ours:
            assert spent["app"] + spent["worker"] == pytest.approx(spent["all"])
            assert spent["redis"] == 0.0
        assert summarize_server(server).keys() == SUMMARY_KEYS
    assert measured["single_client"]["p50_ms"] > 0
    alone = measured["alone"]
    for kind in ("single", "batch"):
        assert alone[kind]["cpu_ms"] > 0
        assert alone[kind]["stage_ms"]["encode"]["p50"] > 0
    if find_missing(["mozjpeg"]):
        assert alone["mozjpeg"] is None
    else:
        for kind in ("single", "batch"):
            assert 0 < alone["mozjpeg"][kind]["cpu_ms"] < alone[kind]["cpu_ms"]


def test_rivals_stand_in_the_summary_beside_ours_of_the_same_rounds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages = {"decode": {"p50": 1.0, "mean": 1.0}}
    spent = {"app": 1.0, "worker": 3.0, "redis": 0.0, "all": 4.0}
    figures = {
        "images_per_s": 1.0, "p50_ms": 2.0, "p95_ms": 2.5, "p99_ms": 3.0, "steal": 0.0,
        "cpu_ms_per_image": spent, "mean_batch": 1.5, "stage_ms": stages, "gpu_percent": None,
    }  # fmt: skip
    asked: list[object] = []

    def compared(rivals: list[str], *_: object, **options: object) -> dict[str, object]:
        asked.append((rivals, options["clients"]))
        ratio = {"images_per_s": 1.0, "standard_error": None}
        names = ("foveate", *rivals)
        servers = {name: {**figures, "ratio": ratio, "rounds": []} for name in names}
        return {"servers": servers, "alone": {"mozjpeg": None}, "single_client": figures}

    # The measuring itself is tested above.
    monkeypatch.setattr(service, "compare", compared)
    out = tmp_path / "service.json"
    arguments = ["--images", str(tmp_path), "--clients", "2", "--seconds", "1", "--warm-up", "0.5"]
    rate = ["--rate", "4", "--rate-seconds", "1.5"]
    assert main(["service", *arguments, *rate, "--out", str(out)]) == 0
    report = json.loads(out.read_text())
    assert asked == [(available(["mosec", "litserve", "inprocess"])[0], 2)]
    assert report["summary"].keys() == {"foveate", *asked[0][0]}  # type: ignore[index]
    for server in report["summary"].values():
        assert server == {
            "images_per_s": 1.0, "p50_ms": 2.0, "p99_ms": 3.0,
            "cpu_ms_per_image": {"app": 1.0, "worker": 3.0, "redis": 0.0},
            "mean_batch": 1.5, "stage_ms": stages,
        }  # fmt: skip
    (opened,) = report["open_loop"]["rates"]
    for loop in (report["clients"]["2"], opened):
        assert loop["cpu_ms_per_image"].keys() == {"app", "worker", "redis"}
        assert loop["cpu_ms_per_image"]["worker"] > 0
        assert loop["mean_batch"] >= 1
        assert loop["errors"] == {}
        assert "gpu_percent" in loop
    assert opened["offered_images_per_s"] == 4.0


def test_a_service_by_its_url_is_measured_without_figures_of_its_processes(tmp_path: Path) -> None:
    out = tmp_path / "service.json"
    arguments = ["--images", str(tmp_path), "--clients", "2", "--seconds", "0.5", "--warm-up", "0"]
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


def test_our_service_by_its_url_is_the_one_that_rivals_are_set_beside() -> None:
    with fake_service() as (url, _), started_ours(url=url) as server:
        figures = measure(server, OPTIONS, [b"photo"], 1, seconds=0.3, warm_up_s=0.0)
    assert server.url == url
    assert figures["cpu_ms_per_image"] == {}
    assert figures["mean_batch"] == 2.0


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--url", "https://example.org"], "http://HOST:PORT"),
        (["--url", "http://example.org/photos"], "without a path"),
        (["--url", "http://127.0.0.1:1", "--memory"], "of its own"),
        (["--rate", "0"], "above 0"),
        (["--clients", "0"], "above 0"),
    ],
)
def test_what_makes_no_sense_is_refused_at_once(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["service", *arguments]) == 2
    assert complaint in capsys.readouterr().err


def test_rivals_are_not_set_beside_another_machine_unless_they_are_named() -> None:
    parser = argparse.ArgumentParser()
    service.add_arguments(parser)
    args = parser.parse_args(["--url", "http://192.0.2.1:8000"])
    assert service.measure_serving(args, [], 16) is None
    assert service.measure_serving(parser.parse_args(["--rivals"]), [], 16) is None


def test_rivals_run_as_the_worker_does() -> None:
    assert compressor.SWITCH_INTERVAL_S == worker_main.SWITCH_INTERVAL_S
    assert WorkerSettings.model_fields["max_linger_ms"].default == compressor.MAX_WAIT_MS
    assert WorkerSettings.model_fields["max_batch_size"].default == compressor.MAX_BATCH_SIZE


def test_rivals_get_the_options_of_the_query() -> None:
    settings = settings_of("quality=50&target=size&progressive=false")
    assert (settings.quality, settings.target, settings.progressive) == (50, "size", False)
    assert settings_of("").target == "quality"


def test_time_is_counted_for_each_image() -> None:
    timed = per_image(lambda: 5, 0.05)
    assert 0 < timed["elapsed_ms"] < 1


def test_rounds_that_the_host_disturbed_are_left_out_where_others_are_left() -> None:
    calm_one, other, disturbed = ({"steal": steal} for steal in (0.0, 0.04, 0.3))
    assert calm([calm_one, disturbed, other]) == [calm_one, other]
    assert calm([disturbed]) == [disturbed]


def test_mozjpeg_alone_is_timed_on_one_thread_and_on_all_cores() -> None:
    if missing := find_missing(["mozjpeg"]):
        pytest.skip(missing["mozjpeg"])
    photos = [to_jpeg(generate_photo(192, 128, seed)) for seed in range(2)]
    coarse, fine = (
        measure_mozjpeg(photos, f"quality={quality}&progressive=false", 0.05)
        for quality in (30, 90)
    )
    assert coarse is not None
    assert fine is not None
    for kind in ("single", "batch"):
        assert coarse[kind]["cpu_ms"] > 0
        assert coarse[kind]["elapsed_ms"] > 0
        # At the quality that was asked for.
        assert coarse[kind]["mean_bytes"] < fine[kind]["mean_bytes"] / 2


def test_medians_are_taken_of_every_number() -> None:
    rounds = [{"a": 1.0, "b": {"c": 5.0}}, {"a": 3.0, "b": {"c": 9.0}}, {"a": 2.0, "b": {"c": 7.0}}]
    assert medians(rounds) == {"a": 2.0, "b": {"c": 7.0}}
    assert medians([{"a": None}, {"a": None}]) == {"a": None}


def test_servers_are_compared_within_each_round() -> None:
    ours = [{"images_per_s": value} for value in (10.0, 40.0)]
    other = [{"images_per_s": value} for value in (20.0, 20.0)]
    ratio = ratio_of(other, ours)
    # The geometric mean of 2 and ½, whichever of the two is above.
    assert ratio["images_per_s"] == pytest.approx(1.0)
    assert ratio["standard_error"] == pytest.approx(math.log(2.0))
    assert ratio_of(other[:1], ours[:1]) == {"images_per_s": 2.0, "standard_error": None}
