"""The cost of the stages without a server, with a stand-in for the compressor."""

import io
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bench.service.servers import alone
from bench.service.servers.alone import time_per_image
from bench.service.servers.journal import Batch
from tests.photos import photo, standard_jpeg


class FakeCompressor:
    """Spends 1 ms on each upload."""

    def __init__(self, *, record: Callable[[Batch], None], threads: int | None = None) -> None:
        self.record = record
        self.encode_ms = 1.0 if threads == 1 else 2.0

    def compress(self, uploads: Sequence[bytes]) -> list[bytes]:
        time.sleep(1e-3 * len(uploads))
        times = [self.encode_ms] * len(uploads)
        self.record(Batch(1, time.monotonic(), times, 5.0, times))
        return list(uploads)


def test_each_line_of_input_gets_a_measurement(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    upload = tmp_path / "0.jpg"
    upload.write_bytes(standard_jpeg(photo(96, 64), 75))
    monkeypatch.setattr(alone, "Compressor", FakeCompressor)
    monkeypatch.setattr(alone.sys, "argv", ["alone", str(upload)])
    monkeypatch.setattr(alone.sys, "stdin", io.StringIO("0.02\n0.01\n"))
    monkeypatch.setattr(alone, "load_networks", lambda _: lambda seconds: {"cpu_ms": seconds})
    monkeypatch.setattr(alone, "load_mozjpeg", lambda query: None if query else lambda _: b"four")
    monkeypatch.setenv("FOVEATE_BENCH_OPTIONS", "quality=50")
    alone.main()
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first.keys() == second.keys() == {"single", "batch", "mozjpeg", "network"}
    for kind, encode_ms in (("single", 1.0), ("batch", 2.0)):
        assert first[kind]["stage_ms"]["encode"]["p50"] == encode_ms
        assert first[kind]["elapsed_ms"] >= 1.0
        assert first[kind]["p50_ms"] >= 1.0
    assert (first["network"], second["network"]) == ({"cpu_ms": 0.02}, {"cpu_ms": 0.01})
    # Without libvips for the other query.
    assert first["mozjpeg"].keys() == {"defaults"}
    assert first["mozjpeg"]["defaults"]["mean_bytes"] == 4


def test_time_is_divided_by_the_number_of_images() -> None:
    found = time_per_image(lambda: [b"12", b"1234"] * 5, 0.05)
    assert 0 < found["elapsed_ms"] < 1
    assert 0 < found["p50_ms"] < 1
    assert found["mean_bytes"] == 3
