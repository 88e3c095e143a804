"""The arithmetic of the ratios, on made-up rounds."""

import math
from typing import Any

import pytest

from bench.load.closed_loop import DEFAULT_OPTIONS
from bench.service.ratios import divide, find_ratios, list_ratios, subtract


def load(images_per_s: float, *cpu_ms: float, p50_ms: float = 0.0) -> dict[str, Any]:
    roles = dict(zip(("app", "worker", "redis"), cpu_ms, strict=True)) if cpu_ms else {}
    return {"images_per_s": images_per_s, "p50_ms": p50_ms, "cpu_ms_per_image": roles}


def serve() -> dict[str, Any]:
    """Return the rounds of Foveate with two workers, of rivals, and of the stages alone."""
    alone = {
        "single": {"p50_ms": 20.0},
        "mozjpeg": {"defaults": {"cpu_ms": 25.0}, DEFAULT_OPTIONS: {"cpu_ms": 12.0}},
        "network": {"cpu_ms": 9.0, "torch_float32_cpu_ms": 30.0},
    }
    slower = {
        "single": {"p50_ms": 40.0},
        "mozjpeg": {"defaults": {"cpu_ms": 50.0}, DEFAULT_OPTIONS: {"cpu_ms": 24.0}},
        "network": {"cpu_ms": 18.0, "torch_float32_cpu_ms": 60.0},
    }
    return {
        "workers": 2,
        "servers": {
            "foveate": {"rounds": [load(60, 1.5, 16.0, 0.5), load(30, 3.0, 32.0, 1.0)]},
            "mosec": {"rounds": [load(1), load(1)]},
            "mosec, 2 workers": {"rounds": [load(50), load(25)]},
            "litserve, 2 workers": {"rounds": [load(60), load(30)]},
        },
        "defaults": {"rounds": [load(50, 2.0, 17.0, 1.0), load(25, 4.0, 34.0, 2.0)]},
        "single_client": {"rounds": [load(40, p50_ms=24.0), load(20, p50_ms=46.0)]},
        "alone": {"rounds": [alone, slower]},
    }


def test_all_ratios_are_between_figures_of_one_round() -> None:
    found = find_ratios(serve(), DEFAULT_OPTIONS)
    cpu = found["cpu_time_over_decode_and_mozjpeg"]
    # Front end, worker and Redis together: 20 of 25 ms, and 18 of 12 ms.
    assert cpu["defaults"] == pytest.approx(
        {"ratio": 0.8, "standard_error": 0.0, "at_most": 0.75, "met": False}
    )
    assert cpu[DEFAULT_OPTIONS] == pytest.approx(
        {"ratio": 1.5, "standard_error": 0.0, "at_most": 1.4, "met": False}
    )
    assert found["network_cpu_time_over_torch_float32"] == pytest.approx(
        {"ratio": 0.3, "standard_error": 0.0, "at_most": 0.35, "met": True}
    )
    # Rivals have as many processes as Foveate.
    assert found["images_per_s_over"] == {
        "mosec, 2 workers": pytest.approx(
            {"ratio": 1.2, "standard_error": 0.0, "at_least": 1.0, "met": True}
        ),
        "litserve, 2 workers": pytest.approx(
            {"ratio": 1.0, "standard_error": 0.0, "at_least": 1.1, "met": False}
        ),
    }
    assert found["single_client_p50_minus_stages_alone_ms"] == pytest.approx(
        {"difference": 5.0, "standard_error": 1.0, "at_most": 5.0, "met": True}
    )
    assert list_ratios(found)[0] == (
        "cpu time over decode and mozjpeg defaults: 0.800 ± 0.000 (goal at most 0.75: not met)"
    )
    assert len(list_ratios(found)) == 6


def test_the_mean_is_geometric_and_has_an_error() -> None:
    found = divide([1.0, 4.0], [1.0, 1.0])
    # The logarithms are 0 and log 4: mean log 2, standard error log 2.
    assert found == pytest.approx({"ratio": 2.0, "standard_error": 2 * math.log(2)})
    assert divide([3.0], [2.0], at_most=1.5) == {
        "ratio": pytest.approx(1.5), "standard_error": None, "at_most": 1.5, "met": True,
    }  # fmt: skip
    assert subtract([3.0], [2.0], at_most=0.5) == {
        "difference": 1.0, "standard_error": None, "at_most": 0.5, "met": False,
    }  # fmt: skip


def test_a_ratio_with_an_unknown_side_is_none() -> None:
    serving = serve()
    serving["workers"] = None  # a service given by its URL
    for figures in (serving["servers"]["foveate"], serving["defaults"]):
        for one in figures["rounds"]:
            one["cpu_ms_per_image"] = {}
    del serving["servers"]["litserve, 2 workers"]
    for one in serving["alone"]["rounds"]:
        one["mozjpeg"] = {}
    found = find_ratios(serving, "quality=90")
    assert found["cpu_time_over_decode_and_mozjpeg"] == {"quality=90": None, "defaults": None}
    assert found["images_per_s_over"]["litserve"] is None
    assert found["images_per_s_over"]["mosec"]["ratio"] == pytest.approx(math.sqrt(60 * 30))
    assert "images per s over litserve: unknown" in list_ratios(found)


def test_a_query_without_a_goal_has_its_ratio() -> None:
    serving = serve()
    for one in serving["alone"]["rounds"]:
        one["mozjpeg"]["quality=90"] = {"cpu_ms": 1.0}
    cpu = find_ratios(serving, "quality=90")["cpu_time_over_decode_and_mozjpeg"]
    assert cpu["quality=90"].keys() == {"ratio", "standard_error"}
