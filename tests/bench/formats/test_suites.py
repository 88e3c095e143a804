"""`bench suites`."""

import json
import shutil
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.formats.comparison import Comparison
from bench.formats.decoders import MAGICK
from bench.formats.suites import compare_new
from tests.photos import file_of, photo


@pytest.mark.skipif(shutil.which(MAGICK) is None, reason="needs ImageMagick")
def test_each_content_is_compared_once_and_refusals_are_listed(tmp_path: Path) -> None:
    checkout = tmp_path / "jsummers" / "bmpsuite"
    checkout.mkdir(parents=True)
    plain = file_of(photo(40, 30), "PNG")
    (checkout / "plain.png").write_bytes(plain)
    (checkout / "same.png").write_bytes(plain)
    (checkout / "text.txt").write_bytes(plain)
    # The signature alone is damaged: FFmpeg does not look at it.
    (checkout / "cut.bmp").write_bytes(file_of(photo(40, 30), "BMP")[:-900])
    out = tmp_path / "suites.json"
    options = ["--folder", str(tmp_path), "--jobs", "1", "--out", str(out)]
    assert main(["suites", *options]) == 0
    result = json.loads(out.read_text())
    assert result["suites"]["jsummers/bmpsuite"]["files"] == 2
    assert "libvips/libvips" in result["missing"]
    assert [found["file"] for found in result["files"] if found["verdict"] == "refused"] in (
        [],
        ["jsummers/bmpsuite/cut.bmp"],
    )


def test_a_comparison_in_the_journal_is_not_made_again(tmp_path: Path) -> None:
    path, journal = tmp_path / "a.png", tmp_path / "journal.jsonl"
    path.write_bytes(file_of(photo(40, 30), "PNG"))
    first = Comparison("old.png", "8×8", {"libvips": 0.1}, "agrees")
    journal.write_text(json.dumps(first.to_json()) + "\n", encoding="utf-8")
    files = [(tmp_path / "missing.png", "old.png"), (path, "new.png")]
    found = compare_new(files, 1, journal)
    assert found[0] == first
    assert (found[1].name, found[1].ours) == ("new.png", "40×30")
    assert compare_new(files, 1, journal) == found
    assert len(journal.read_text("utf-8").splitlines()) == 2


def test_the_commands_that_fetch_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["suites", "--print-commands", "--suites", "libgd/libgd"]) == 0
    assert capsys.readouterr().out.startswith("git clone --depth 1 https://github.com/libgd/libgd")


def test_a_folder_without_checkouts_is_a_usage_error(tmp_path: Path) -> None:
    assert main(["suites", "--folder", str(tmp_path)]) == 2
