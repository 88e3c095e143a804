"""`bench cache`, over the real service."""

import json
from pathlib import Path

import pytest

from bench.__main__ import main


@pytest.mark.usefixtures("shared_service")
def test_hits_are_timed_and_equal_uploads_are_computed_once(
    photo_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "cache.json"
    arguments = [
        "--images",
        str(photo_folder),
        "--rounds",
        "2",
        "--requests",
        "20",
        "--together",
        "8",
    ]
    assert main(["cache", *arguments, "--out", str(out)]) == 0
    summary = json.loads(out.read_text())["summary"]
    assert summary["hit"]["p50_ms"] < summary["miss"]["p50_ms"]
    assert len(summary["rounds"]) == 2
    together = summary["together"]
    assert (together["clients"], together["answered"], together["computed"]) == (8, 8, 1)
