"""Regression tests over the seeds and the inputs that fuzzing kept."""

import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from contract.errors import index_by_code
from tests.fuzz.harness import look_at
from tests.fuzz.seeds import make_seeds

CORPUS = Path(__file__).parent / "corpus.zip"
LONGEST_S = 10.0
KNOWN = {"decoded", "transcodable", *index_by_code()}


def corpus() -> Iterator[tuple[str, bytes]]:
    """Yield the kept inputs."""
    with zipfile.ZipFile(CORPUS) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


def test_every_seed_is_read() -> None:
    became = {name: look_at(data) for name, data in make_seeds()}
    assert set(became.values()) == {"decoded", "transcodable"}
    assert became["plain.jpg"] == became["progressive.jpg"] == "transcodable"


def test_no_input_breaks_reading() -> None:
    became: Counter[str] = Counter()
    for name, data in corpus():
        started_s = time.monotonic()
        became[look_at(data)] += 1
        assert time.monotonic() - started_s < LONGEST_S, name
    assert set(became) <= KNOWN
    # The corpus is worth something: each way out is taken.
    assert {"decoded", "transcodable", "corrupt-image", "unsupported-image"} <= set(became)
    assert sum(became.values()) > 100
