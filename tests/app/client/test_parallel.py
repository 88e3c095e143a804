"""Photos in several threads."""

import threading
from pathlib import Path

import pytest

from app.client import parallel
from app.client.compressor import Outcome
from app.client.parallel import compress_in_threads
from app.client.sources import Source

SOURCES = [Source(Path(name), Path(name), Path()) for name in "abcdef"]


def skip(source: Source) -> Outcome:
    """Return an outcome at once."""
    return Outcome(source.path, "skipped")


def test_every_photo_has_one_outcome() -> None:
    stopped = threading.Event()
    outcomes = list(compress_in_threads(skip, SOURCES, 3, stop=stopped.set))
    assert sorted(outcome.source.name for outcome in outcomes) == list("abcdef")
    assert stopped.is_set()


def test_photos_are_in_progress_at_the_same_time() -> None:
    barrier = threading.Barrier(3, timeout=10)

    def wait(source: Source) -> Outcome:
        barrier.wait()
        return skip(source)

    assert len(list(compress_in_threads(wait, SOURCES, 3, stop=barrier.abort))) == len(SOURCES)


def test_an_error_ends_the_run() -> None:
    stopped = threading.Event()
    started = []

    def fail(source: Source) -> Outcome:
        started.append(source)
        raise KeyError(source.path.name)

    with pytest.raises(KeyError):
        list(compress_in_threads(fail, SOURCES, 2, stop=stopped.set))
    assert stopped.is_set()
    assert len(started) <= 2


def test_an_end_does_not_wait_for_threads_that_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "JOIN_TIMEOUT_S", 0.02)
    release = threading.Event()
    stopped = threading.Event()

    def hang(source: Source) -> Outcome:
        if source.path.name != "a":
            release.wait(30)
        return skip(source)

    outcomes = compress_in_threads(hang, SOURCES, 2, stop=stopped.set)
    assert next(outcomes).source.name == "a"
    outcomes.close()  # type: ignore[attr-defined]
    assert stopped.is_set()
    release.set()
