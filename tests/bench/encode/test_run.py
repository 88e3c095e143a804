import json
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.encode import threads
from bench.encode.timing import OURS


def test_all_encoders_are_timed_on_all_photos(
    photo_folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threads, "ROUNDS", 1)
    monkeypatch.setattr(threads, "SPINS", 10_000)
    out = tmp_path / "results" / "encode.json"
    options = ["--images", str(photo_folder), "--out", str(out), "--quality", "60", "30"]
    assert main(["encode", *options, "--repeats", "1", "--skip-large", "--skip-start"]) == 0
    result = json.loads(out.read_text("utf-8"))
    assert list(result["images"]) == ["0.png", "1.png"]
    assert list(result["by_quality"]) == ["60", "30"]
    assert result["summary"] == result["by_quality"]["60"]
    assert {*OURS, "pillow", "pillow_progressive"} <= set(result["summary"])
    row = result["images"]["0.png"]["60"]["foveate_size"]
    assert 0.98 < row["bytes_ratio"] <= 1.01
    assert 0 < row["dct_to_bytes_ms"] <= row["ms"]
    assert row["passes"] >= 1
    assert all(result["threads"][side]["gain"] > 0 for side in ("encode", "processes", "control"))
    assert result["large"] is None
    assert result["first_start"] is None
    assert str(tmp_path) not in out.read_text("utf-8")
    assert "DCT to bytes" in capsys.readouterr().out


def test_a_folder_without_photos_is_an_error(tmp_path: Path) -> None:
    assert main(["encode", "--images", str(tmp_path), "--out", str(tmp_path / "out.json")]) == 2
