"""Tasks per second. test_run.py compares threads with processes."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import codec
from bench.encode import threads


def test_tasks_per_second_count_all_tasks() -> None:
    done: list[int] = []
    with ThreadPoolExecutor(2) as pool:
        rate = threads.time_tasks(pool, done.append, range(20))
    assert sorted(done) == list(range(20))
    assert rate > 0


def test_photos_are_encoded_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded: list[int] = []
    monkeypatch.setattr(codec, "encode", lambda photo, *_: encoded.append(int(photo[0, 0, 0])))
    photos = [np.full((8, 8, 3), level, np.uint8) for level in (1, 2)]
    threads.prepare(photos, codec.EncodeSettings())
    for number in range(3):
        threads.encode(number)
    assert encoded == [1, 2, 1]
