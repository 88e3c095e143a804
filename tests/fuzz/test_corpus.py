"""Regression tests with the seeds and the inputs that fuzzing kept."""

import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from contract.errors import index_by_code
from tests.fuzz.harness import read_upload
from tests.fuzz.seeds import make_seeds

CORPUS = Path(__file__).parent / "corpus.zip"
MAX_S = 10.0
OUTCOMES = {"decoded", "transcodable", *index_by_code()}


def corpus() -> Iterator[tuple[str, bytes]]:
    """Yield the kept inputs."""
    with zipfile.ZipFile(CORPUS) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


def test_every_seed_is_read() -> None:
    outcomes = {name: read_upload(data) for name, data in make_seeds()}
    assert set(outcomes.values()) == {"decoded", "transcodable"}
    assert outcomes["plain.jpg"] == outcomes["progressive.jpg"] == "transcodable"


def test_no_input_breaks_reading() -> None:
    outcomes: Counter[str] = Counter()
    for name, data in corpus():
        started_s = time.monotonic()
        outcomes[read_upload(data)] += 1
        assert time.monotonic() - started_s < MAX_S, name
    assert set(outcomes) <= OUTCOMES
    # The corpus covers all kinds of outcomes.
    assert {"decoded", "transcodable", "corrupt-image", "unsupported-image"} <= set(outcomes)
    assert outcomes.total() > 100
