"""Several servers with the same model and encoder, measured in common rounds."""

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import pytest

from bench.datasets.uploads import generate_photo, to_jpeg
from bench.load.service_process import Processes, ServiceError
from bench.service import comparison
from bench.service.compared_servers import BEFORE, Server, started_foveate
from bench.service.comparison import (
    compare,
    compare_rates,
    drop_disturbed,
    measure,
    measure_rounds,
)
from tests.bench.load.fake_service import fake_service

OPTIONS = "quality=50&target=size&progressive=false"


def test_ours_and_a_rival_are_measured_in_the_same_rounds(
    running_service: tuple[str, Processes], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, processes = running_service
    ours = Server(url, processes.cpu_s, workers=1)
    stages = {"cpu_ms": 3.0, "steal": 0.0}
    monkeypatch.setattr(comparison, "started_foveate", lambda **_: nullcontext(ours))
    monkeypatch.setattr(comparison, "started_alone", lambda *_: nullcontext(lambda _: stages))
    photos = [to_jpeg(generate_photo(192, 128, seed)) for seed in range(2)]
    measured = compare(
        ["inprocess"], photos, OPTIONS, clients=2, rounds=1, seconds=1.0, warm_up_s=0.4
    )
    servers = measured["servers"]
    assert set(servers) == {"foveate", "inprocess"}
    assert measured["workers"] == 1
    assert servers["foveate"]["ratio"] == {"images_per_s": 1.0, "standard_error": None}
    for name, server in servers.items():
        assert server["unstolen_images_per_s"] >= server["images_per_s"] > 0
        assert len(server["rounds"]) == 1
        assert 0.1 < server["ratio"]["images_per_s"] < 10
        assert 1.0 <= server["mean_batch"] <= 2.0
        spent = server["cpu_ms_per_image"]
        ours_only = name == "foveate"
        assert spent.keys() == {"app", "worker", "redis", *([] if ours_only else ["all"])}
        # In every server the encoder costs more than HTTP.
        assert spent["worker"] > spent["app"]
        assert server["stage_ms"].keys() >= {"decode", "predict", "encode"}
        assert all(own["p50"] > 0 and own["mean"] > 0 for own in server["stage_ms"].values())
        if not ours_only:
            assert spent["app"] + spent["worker"] == pytest.approx(spent["all"])
            assert spent["redis"] == 0.0
    assert measured["single_client"]["p50_ms"] > 0
    # The service's defaults write progressive files: another request than the servers'.
    assert measured["defaults"]["p50_ms"] > 0
    assert measured["alone"] == {"cpu_ms": 3.0, "rounds": [stages]}


def test_a_service_given_by_its_url_has_no_cpu_times() -> None:
    with fake_service() as (url, _), started_foveate(url=url) as server:
        figures = measure(server, OPTIONS, [b"photo"], 1, seconds=0.3, warm_up_s=0.0)
    assert server.url == url
    assert figures["cpu_ms_per_image"] == {}
    assert figures["mean_batch"] == 2.0


def test_rounds_with_much_steal_are_dropped_if_others_remain() -> None:
    calm_one, other, disturbed = ({"steal": steal} for steal in (0.0, 0.04, 0.3))
    assert drop_disturbed([calm_one, disturbed, other]) == [calm_one, other]
    assert drop_disturbed([disturbed]) == [disturbed]


def test_a_first_round_warms_up_and_each_round_has_another_order() -> None:
    calls: list[str] = []

    def record(name: str) -> dict[str, Any]:
        calls.append(name)
        return {"call": len(calls)}

    names = ("a", "b", "c", "d")
    found = measure_rounds({name: partial(record, name) for name in names}, 3, (), {})
    orders = [calls[start : start + 4] for start in range(0, 16, 4)]
    assert all(sorted(order) == list(names) for order in orders)
    assert len({tuple(order) for order in orders}) > 1
    assert all(len(figures) == 3 for figures in found.values())
    assert all(one["call"] > 4 for figures in found.values() for one in figures)


def test_servers_are_compared_within_each_round() -> None:
    ours = [{"images_per_s": value} for value in (10.0, 40.0)]
    other = [{"images_per_s": value} for value in (20.0, 20.0)]
    ratio = compare_rates(other, ours)
    # The geometric mean of 2 and ½.
    assert ratio["images_per_s"] == pytest.approx(1.0)
    assert ratio["standard_error"] == pytest.approx(math.log(2.0))
    assert compare_rates(other[:1], ours[:1]) == {"images_per_s": 2.0, "standard_error": None}


@pytest.fixture
def stand_ins(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Take the place of all servers but the given URL; return further arguments of `compare`."""
    monkeypatch.setattr(
        comparison, "started_alone", lambda *_: nullcontext(lambda _: {"steal": 0.0})
    )
    monkeypatch.setattr(comparison, "fetch_jpeg", lambda *_: b"jpeg")
    url = "http://ours"
    return {"clients": 1, "rounds": 2, "seconds": 1.0, "warm_up_s": 0.0, "url": url}


@contextmanager
def broken_server() -> Iterator[Server]:
    raise ServiceError("did not get ready")
    yield


def test_a_rival_that_fails_is_left_out(
    stand_ins: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {
        "broken": broken_server(),
        "silent": nullcontext(Server("http://silent", dict)),
        "good": nullcontext(Server("http://good", dict)),
    }
    monkeypatch.setattr(comparison, "list_others", lambda *_: others)

    def measure(server: Server, *_: object, **__: object) -> dict[str, float]:
        if server.url == "http://silent":
            raise ServiceError("no response")
        return {"images_per_s": 2.0, "steal": 0.0}

    monkeypatch.setattr(comparison, "measure", measure)
    compared = compare([], [b"photo"], OPTIONS, **stand_ins)
    assert compared["servers"].keys() == {"foveate", "good"}
    assert compared["failed"] == {"broken": "did not get ready", "silent": "no response"}


def test_a_failure_of_our_own_ends_the_comparison(
    stand_ins: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(*_: object, **__: object) -> dict[str, float]:
        raise ServiceError("no response")

    monkeypatch.setattr(comparison, "measure", measure)
    monkeypatch.setattr(comparison, "list_others", lambda *_: {})
    with pytest.raises(ServiceError, match="no response"):
        compare([], [b"photo"], OPTIONS, **stand_ins)


@pytest.mark.parametrize("name", [BEFORE, "mosec"])
def test_only_another_version_may_return_another_jpeg(
    name: str, stand_ins: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = []

    def list_others(*_: object) -> dict[str, Any]:
        return {name: nullcontext(Server("http://other", dict))}

    def measure(server: Server, *_: object, **__: object) -> dict[str, float]:
        measured.append(server.url)
        return {"images_per_s": 2.0, "steal": 0.0}

    monkeypatch.setattr(comparison, "list_others", list_others)
    monkeypatch.setattr(comparison, "measure", measure)
    monkeypatch.setattr(comparison, "fetch_jpeg", lambda url, *_: url.encode())
    if name == BEFORE:
        compared = compare([], [b"photo"], OPTIONS, **stand_ins)
        assert compared["servers"][BEFORE]["ratio"]["images_per_s"] == 1.0
        assert set(measured) == {"http://ours", "http://other"}
    else:
        with pytest.raises(ServiceError, match="mosec returns another JPEG"):
            compare([], [b"photo"], OPTIONS, **stand_ins)
