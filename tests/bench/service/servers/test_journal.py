"""What stands behind the rivals tells of each batch, and what is made of it."""

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


def test_batches_are_recorded_as_they_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_stages_count_for_each_photo_and_the_pass_for_each_of_its_batch() -> None:
    assert summarize_batches([TWO, ONE]) == {
        "mean_batch": 1.5,
        "stage_ms": {
            "decode": {"p50": 2.0, "mean": 2.0},
            "predict": {"p50": 10.0, "mean": 8.0},
            "encode": {"p50": 6.0, "mean": 6.0},
        },
    }
    assert summarize_batches([]) == {"mean_batch": None, "stage_ms": None}
