"""Other servers with our model and encoder; each that is installed gives the very same JPEG."""

import argparse
import json
from pathlib import Path

import pytest

from bench import service
from bench.__main__ import main
from bench.machine import ROOT
from bench.servers.alone import per_image
from bench.servers.compressor import settings_of
from bench.service_photos import generate_photo, to_jpeg
from bench.serving import available, calm, compare

OPTIONS = "quality=50&target=size&progressive=false"


@pytest.mark.timeout(300)
def test_every_installed_rival_is_measured() -> None:
    photos = [to_jpeg(generate_photo(192, 128, seed)) for seed in range(2)]
    rivals, _ = available(["mosec", "litserve", "inprocess"])
    assert "inprocess" in rivals
    measured = compare(
        rivals, photos, OPTIONS, clients=4, rounds=1, seconds=2, warm_up_s=1, against=ROOT
    )
    assert set(measured["servers"]) == {"foveate", "before", *rivals}
    for server in measured["servers"].values():
        assert server["unstolen_images_per_s"] >= server["images_per_s"] > 0
        assert sum(server["cpu_ms_per_image"].values()) > 0
    assert measured["servers"]["foveate"]["cpu_ms_per_image"].keys() == {"app", "worker", "redis"}
    assert measured["single_client"]["p50_ms"] > 0
    for kind in ("single", "batch"):
        assert measured["alone"][kind]["cpu_ms"] > 0


def test_the_figures_of_rivals_stand_in_the_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = {"images_per_s": 1.0, "p50_ms": 2.0, "p99_ms": 3.0, "cpu_ms_per_image": {"all": 4.0}}

    def measured(args: argparse.Namespace, _: list[bytes]) -> dict[str, object]:
        servers = {name: {**figures, "rounds": []} for name in ("foveate", *args.rivals)}
        return {"servers": servers, "alone": {}, "single_client": figures}

    # The measuring itself is tested above.
    monkeypatch.setattr(service, "measure_serving", measured)
    out = tmp_path / "service.json"
    arguments = ["--images", str(tmp_path), "--clients", "2", "--seconds", "1", "--warm-up", "0.5"]
    assert main(["service", *arguments, "--rivals", "inprocess", "--out", str(out)]) == 0
    summary = json.loads(out.read_text())["summary"]
    assert summary["inprocess"] == figures
    assert summary["foveate"]["cpu_ms_per_image"].keys() == {"app", "worker", "redis"}


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
