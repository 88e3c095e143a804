"""`bench formats` and its matrix."""

import json
import shutil
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.formats import run
from bench.formats.decoders import MAGICK
from bench.formats.matrix.pictures import MatrixFile
from tests.photos import file_of, photo


class TwoFiles:
    """Stands for a module that makes files."""

    @staticmethod
    def make_files() -> list[MatrixFile]:
        plain = file_of(photo(40, 30), "PNG")
        return [MatrixFile("png-plain.png", plain), MatrixFile("png-cut.png", plain[:40])]


@pytest.mark.skipif(shutil.which(MAGICK) is None, reason="needs ImageMagick")
def test_files_are_made_compared_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(run.FORMATS, "png", TwoFiles)
    out = tmp_path / "formats.json"
    options = ["--formats", "png", "--jobs", "1", "--keep", str(tmp_path), "--out", str(out)]
    assert main(["formats", *options]) == 0
    result = json.loads(out.read_text())
    assert result["summary"]["png"]["files"] == 2
    plain, cut = result["files"]
    assert plain == {
        "file": "png-plain.png", "ours": "40×30", "libvips": 0.0, "ImageMagick": 0.0,
        "verdict": "agrees",
    }  # fmt: skip
    assert cut["ours"].startswith("422 ")
    assert (tmp_path / "png-cut.png").is_file()
