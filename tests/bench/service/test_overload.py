"""Goodput above the capacity: what is offered, what counts, and the report."""

import json
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import main
from bench.load.closed_loop import Sample
from bench.load.open_loop import Arrival
from bench.service import overload
from bench.service.overload import Mix, describe, make_mix
from tests.bench.load.fake_service import fake_service

SMALL, LARGE = b"s", b"large"
MIX = Mix([SMALL, LARGE], frozenset([LARGE]), "/compress", deadline_s=2.0)


def arrive(due_s: float, status: int, elapsed_s: float, photo: bytes = SMALL) -> Arrival:
    sample = Sample(status, due_s + elapsed_s, 1e3 * elapsed_s, len(photo), 1, "")
    return Arrival(due_s, due_s, sample)


def test_goodput_counts_the_jpegs_that_arrive_in_the_window_and_in_time() -> None:
    figures = describe(
        [
            arrive(9.5, 200, 1.0, LARGE),  # due before the window
            arrive(11.0, 200, 0.5, LARGE),
            arrive(12.0, 200, 2.5),  # late
            arrive(13.0, 429, 0.01),
            arrive(14.0, 504, 2.0),
            arrive(19.5, 200, 1.5),  # after the window
        ],
        MIX,
        (10.0, 20.0),
    )
    assert figures["offered_images_per_s"] == 0.5
    assert figures["goodput_images_per_s"] == 0.2
    assert figures["statuses"] == {"200": 3, "429": 1, "504": 1}
    assert figures["late"] == 1
    assert figures["refused_p50_ms"] == pytest.approx(10.0)
    assert figures["large_share_of_good"] == pytest.approx(1 / 3)


def test_half_of_the_photos_are_large(photo_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overload, "PHOTOS_OF_EACH", 2)
    mix = make_mix(photo_folder, "/compress", 4.0)
    assert sum(photo in mix.large for photo in mix.photos) == len(mix.photos) / 2
    assert min(map(len, mix.large)) > 4 * max(
        len(one) for one in mix.photos if one not in mix.large
    )


class NoProcesses:
    """The processes of a stand-in service: none."""

    def by_role(self) -> dict[str, list[int]]:
        return {"worker": [1]}


def test_each_rate_is_a_multiple_of_the_closed_loop_before_it(
    photo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overload, "make_mix", lambda *_: MIX)
    started: list[Any] = []
    out = tmp_path / "overload.json"
    with fake_service(lambda _: (200, 0.02)) as (url, _):

        def start(*options: Any) -> AbstractContextManager[Any]:
            started.append(options)
            return nullcontext((url, NoProcesses()))

        monkeypatch.setattr(overload, "started_service", start)
        given = ["--images", str(photo_folder), "--overload", "0.5", "2", "--deadline", "2"]
        spans = ["--rate-seconds", "1", "--warm-up", "0.2", "--workers", "1"]
        assert main(["service", *given, *spans, "--out", str(out)]) == 0
    assert started == [(1, {"REQUEST_TIMEOUT_S": "2"}, overload.ROOT)]
    report = json.loads(out.read_text())
    assert "against" not in report
    low, high = report["foveate"]["rates"]
    assert low["offered_share"] == pytest.approx(0.5, rel=0.5)
    assert high["offered_share"] > 2 * low["offered_share"]
    assert 0 < high["goodput_share"] < 1.5
