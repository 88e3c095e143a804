"""`bench heic` makes HEICs and measures how long they take."""

import json
import shutil
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.formats import heic
from bench.formats.heic import WRITER


@pytest.mark.skipif(shutil.which(WRITER) is None, reason="needs libheif's program")
def test_both_files_are_decoded(tmp_path: Path) -> None:
    out = tmp_path / "heic.json"
    options = ["--size", "100", "90", "--tile", "64", "--repeats", "1", "--out", str(out)]
    assert main(["heic", *options]) == 0
    result = json.loads(out.read_text())
    assert result["meta"]["size_px"] == [100, 90]
    for found in result["times"].values():
        assert 0 < found["shortest_s"] <= found["median_s"]
        assert isinstance(found["cpu_s"], float)


def test_without_libheif_s_program_nothing_is_measured(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(heic, "WRITER", "no-such-program")
    assert main(["heic"]) == 2
    assert "no-such-program" in capsys.readouterr().err
