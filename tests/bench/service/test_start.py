"""The start of the service: which folders of kernels it gets, and the summary."""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench.service import start as module

MB = 1_000_000


def test_each_round_starts_with_an_empty_folder_and_again_with_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    @contextmanager
    def start(workers: int, settings: dict[str, str]) -> Iterator[tuple[str, Any]]:
        folder = Path(settings["NUMBA_CACHE_DIR"])
        seen.append((workers, len(list(folder.iterdir()))))
        (folder / "kernel").touch()
        worker = SimpleNamespace(cpu_times=lambda: (1.0, 0.5, 10.0, 0.5, 99.0))
        yield (
            "http://test",
            SimpleNamespace(
                by_role=lambda: {"worker": [worker]}, peak_rss_bytes=lambda: {"worker": 200 * MB}
            ),
        )

    monkeypatch.setattr(module, "started_service", start)
    monkeypatch.setattr(module, "AFTER_READY_S", 0.0)
    out = tmp_path / "start.json"
    assert module.run(argparse.Namespace(rounds=2, out=out)) == 0
    assert seen == [(1, 0), (1, 1), (1, 0), (1, 1)]
    report = json.loads(out.read_text())
    assert [len(report["starts"][kind]) for kind in ("first", "later")] == [2, 2]
    assert report["summary"]["first"]["worker_cpu_s"] == 12.0
    assert report["summary"]["later"]["worker_peak_rss_bytes"] == 200 * MB


def test_a_service_that_does_not_start_ends_the_benchmark(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise module.ServiceError("no port")

    monkeypatch.setattr(module, "started_service", fail)
    assert module.run(argparse.Namespace(rounds=1, out=None)) == 1
    assert "no port" in capsys.readouterr().err


def test_the_summary_has_medians() -> None:
    starts = [dict.fromkeys(module.KEYS, value) for value in (1.0, 9.0, 2.0)]
    summary = module.summarise({"first": starts, "later": starts[:1]})
    assert summary["first"]["ready_s"] == 2.0
    assert summary["later"]["ready_s"] == 1.0
