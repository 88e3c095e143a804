"""`bench folder`, over the real service and the real command."""

import json
from pathlib import Path

import pytest

from bench.__main__ import main
from tests.photos import file_of, photo


@pytest.mark.usefixtures("shared_service")
def test_the_command_is_killed_and_resumed(tmp_path: Path) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for number in range(28):
        (images / f"{number:02}.jpg").write_bytes(file_of(photo(240, 160, number), "JPEG"))
    out = tmp_path / "folder.json"
    assert main(["folder", "--images", str(images), "--count", "24", "--out", str(out)]) == 0
    summary = json.loads(out.read_text())["summary"]
    assert summary["photos"] == summary["decoded"] == 24
    assert 8 <= summary["killed_after"] < 24
    assert summary["resumed"]["compressed"] == 24 - summary["killed_after"]
    assert summary["resumed"]["failed"] == summary["resumed"]["not_done"] == 0
    assert summary["nothing_to_do"]["skipped"] == 24
    assert summary["cpu_ms_per_image"]["client"] > 0
    assert main(["folder", "--images", str(tmp_path / "none")]) == 2
