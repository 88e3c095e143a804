"""The command: its options, results that can't be read, and a simulation from an earlier result."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest

from bench.scale import run as module
from bench.scale.run import parse_count, parse_time, read_result


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return parser.parse_args(arguments)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "", "two", "١٢٣ "])
def test_counts_are_whole_numbers_above_0(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="whole number above 0"):
        parse_count(text)


@pytest.mark.parametrize("text", ["-1", "nan", "inf", "3601", "soon", ""])
def test_times_are_seconds_up_to_an_hour(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="from 0 to 3600"):
        parse_time(text)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "can't be read"),
        (b"\xff", "can't be read"),
        (b"{", "can't be read"),
        (b"[]", 'no "measured"'),
        (b'{"meta": 1}', 'no "measured"'),
    ],
)
def test_a_result_that_is_none_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, message: str
) -> None:
    path = tmp_path / "scale.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_result(path, "measured")
    assert module.run(parse("--measured", str(path))) == 2
    assert message in capsys.readouterr().err


def test_measurements_of_an_earlier_result_are_kept_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured = {"meta": {"cpu": "another"}, "cells": [1.234]}
    seen = []

    def simulate(found: dict[str, Any], starts_s: dict[str, float]) -> dict[str, Any]:
        seen.append((found, starts_s))
        return {"validation": {}, "mean_service_s": 1 / 3}

    monkeypatch.setattr(module, "forecast", simulate)
    earlier, out = tmp_path / "earlier.json", tmp_path / "out.json"
    earlier.write_text(json.dumps({"measured": measured}))
    assert module.run(parse("--measured", str(earlier), "--out", str(out))) == 0
    ((found, starts_s),) = seen
    assert found == measured
    assert set(starts_s) == {"first", "later"}
    report = json.loads(out.read_text())
    assert report["measured"] == measured
    assert report["simulated"]["mean_service_s"] == 0.3333
    assert report["meta"]["cpu"] != "another"


def test_measurements_are_written_before_the_simulation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyError

    monkeypatch.setattr(module, "measure", lambda _: {"cells": []})
    monkeypatch.setattr(module, "forecast", fail)
    out = tmp_path / "out.json"
    with pytest.raises(KeyError):
        module.run(parse("--out", str(out)))
    assert json.loads(out.read_text())["measured"]["cells"] == []


def test_a_service_that_does_not_start_ends_the_benchmark(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> None:
        raise module.ServiceError("no port")

    monkeypatch.setattr(module, "measure", fail)
    assert module.run(parse()) == 1
    assert "no port" in capsys.readouterr().err


def test_photos_of_each_size_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SIZES_PX", ((96, 64), (192, 128)))
    sizes = module.make_sizes(Path("nowhere"))
    assert list(sizes) == ["96×64", "192×128"]
    assert len(sizes["96×64"]) == 3
    assert len(sizes["96×64"][0]) < len(sizes["192×128"][0])
