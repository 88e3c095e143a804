"""Other servers with our model and encoder; each that is installed gives the very same JPEG."""

import math
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from bench.datasets.uploads import generate_photo, to_jpeg
from bench.encoders import find_missing
from bench.load.service_process import ServiceError
from bench.service import compared_servers, comparison
from bench.service.compared_servers import BEFORE, SCALING, Server, find_installed, started_ours
from bench.service.comparison import compare, compare_rates, drop_disturbed, measure
from bench.service.report import summarize_server
from tests.bench.load.fake_service import fake_service

SUMMARY_KEYS = {
    *("images_per_s", "p50_ms", "p99_ms", "cpu_ms_per_image", "mean_batch", "stage_ms"),
}
OPTIONS = "quality=50&target=size&progressive=false"


@pytest.mark.timeout(300)
def test_every_installed_rival_is_measured() -> None:
    photos = [to_jpeg(generate_photo(192, 128, seed)) for seed in range(2)]
    rivals, _ = find_installed(["mosec", "litserve", "inprocess"])
    assert "inprocess" in rivals
    measured = compare(
        rivals,
        photos,
        OPTIONS,
        clients=4,
        rounds=1,
        seconds=1.0,
        warm_up_s=0.5,
        workers=2,
    )
    servers = measured["servers"]
    scaled = {f"{name}, 2 workers" for name in rivals if name in SCALING}
    assert set(servers) == {"foveate", "foveate, 1 worker", *rivals, *scaled}
    assert measured["workers"] == 2
    assert servers["foveate"]["ratio"] == {"images_per_s": 1.0, "standard_error": None}
    for name, server in servers.items():
        assert server["unstolen_images_per_s"] >= server["images_per_s"] > 0
        assert len(server["rounds"]) == 1
        assert 0.1 < server["ratio"]["images_per_s"] < 10
        assert 1.0 <= server["mean_batch"] <= 4.0
        spent = server["cpu_ms_per_image"]
        ours = name.startswith("foveate")
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


def test_our_service_by_its_url_is_the_one_that_rivals_are_set_beside() -> None:
    with fake_service() as (url, _), started_ours(url=url) as server:
        figures = measure(server, OPTIONS, [b"photo"], 1, seconds=0.3, warm_up_s=0.0)
    assert server.url == url
    assert figures["cpu_ms_per_image"] == {}
    assert figures["mean_batch"] == 2.0


def test_rounds_that_the_host_disturbed_are_left_out_where_others_are_left() -> None:
    calm_one, other, disturbed = ({"steal": steal} for steal in (0.0, 0.04, 0.3))
    assert drop_disturbed([calm_one, disturbed, other]) == [calm_one, other]
    assert drop_disturbed([disturbed]) == [disturbed]


def test_servers_are_compared_within_each_round() -> None:
    ours = [{"images_per_s": value} for value in (10.0, 40.0)]
    other = [{"images_per_s": value} for value in (20.0, 20.0)]
    ratio = compare_rates(other, ours)
    # The geometric mean of 2 and ½, whichever of the two is above.
    assert ratio["images_per_s"] == pytest.approx(1.0)
    assert ratio["standard_error"] == pytest.approx(math.log(2.0))
    assert compare_rates(other[:1], ours[:1]) == {"images_per_s": 2.0, "standard_error": None}


@pytest.mark.parametrize("name", [BEFORE, "mosec"])
def test_only_another_version_may_give_another_jpeg(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def list_others(*_: object) -> dict[str, Any]:
        return {name: nullcontext(Server("http://other", dict))}

    def measure(server: Server, *_: object, **__: object) -> dict[str, float]:
        asked.append(server.url)
        return {"images_per_s": 2.0, "steal": 0.0}

    monkeypatch.setattr(
        comparison, "started_alone", lambda *_: nullcontext(lambda _: {"steal": 0.0})
    )
    monkeypatch.setattr(comparison, "list_others", list_others)
    monkeypatch.setattr(comparison, "measure", measure)
    monkeypatch.setattr(comparison, "ask_once", lambda url, *_: url.encode())
    options: Any = {
        "clients": 1,
        "rounds": 1,
        "seconds": 1.0,
        "warm_up_s": 0.0,
        "url": "http://ours",
    }
    if name == BEFORE:
        compared = compare([], [b"photo"], OPTIONS, **options)
        assert compared["servers"][BEFORE]["ratio"]["images_per_s"] == 1.0
        assert set(asked) == {"http://ours", "http://other"}
    else:
        with pytest.raises(ServiceError, match="mosec gives another JPEG"):
            compare([], [b"photo"], OPTIONS, **options)


def test_another_checkout_is_run_from_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.setattr(compared_servers, "started_ours", lambda **options: started.append(options))
    others = compared_servers.list_others([], OPTIONS, 2, Path("elsewhere"))
    assert list(others) == ["foveate, 1 worker", BEFORE]
    assert started == [{"workers": 1}, {"folder": Path("elsewhere")}]
