"""The journal of batches, and its summary."""

from pathlib import Path

import pytest

from bench.service.servers.journal import (
    JOURNAL_VARIABLE,
    Batch,
    open_journal,
    read_batches,
    summarize_batches,
)

TWO = Batch(7, 1.0, [1.0, 3.0], 10.0, [5.0, 7.0])
ONE = Batch(8, 2.0, [2.0], 4.0, [6.0])


def test_batches_of_several_processes_are_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "batches"
    assert read_batches(path) == []
    monkeypatch.setenv(JOURNAL_VARIABLE, str(path))
    record, other_process = open_journal(), open_journal()
    record(TWO)
    other_process(ONE)
    with path.open("a") as half:
        half.write('{"pid": 9')  # a line that is being written
    assert read_batches(path) == [TWO, ONE]


def test_without_a_journal_nothing_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(JOURNAL_VARIABLE, raising=False)
    open_journal()(TWO)


def test_the_summary_is_over_photos() -> None:
    assert summarize_batches([TWO, ONE]) == {
        "mean_batch": 1.5,
        "stage_ms": {
            "decode": {"p50": 2.0, "mean": 2.0},
            "predict": {"p50": 10.0, "mean": 8.0},
            "encode": {"p50": 6.0, "mean": 6.0},
        },
    }
    assert summarize_batches([]) == {"mean_batch": None, "stage_ms": None}
