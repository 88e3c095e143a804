"""`bench jpeg2000` compares all encoders on every photo."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.__main__ import main
from bench.jpeg2000.run import compare
from tests.codec.pictures import scene, spot


def test_every_encoder_is_measured(tmp_path: Path) -> None:
    Image.fromarray(scene(184, 200)).save(tmp_path / "0.png")
    np.save(tmp_path / "0.npy", spot(24, 24))
    options = ["--images", str(tmp_path), "--maps", str(tmp_path), "--jobs", "1"]
    assert main(["jpeg2000", *options, "--quality", "60", "--out", str(tmp_path / "o.json")]) == 0
    result = json.loads((tmp_path / "o.json").read_text())
    assert list(result) == ["meta", "by_quality", "images"]
    part = result["by_quality"]["60"]
    standard = part["summary"]["standard"]["bytes"]
    for name in ("jp2", "jp2_uniform", "jp2_full", "openjpeg", "foveate"):
        assert part["summary"][name]["bytes"] == pytest.approx(standard, rel=0.02)
    assert part["over_uniform"]["mean"]["psnr_s"] > 0
    assert part["over_openjpeg"]["bytes_ratio"] <= 1
    assert str(tmp_path) not in json.dumps(result["meta"])


def test_differences_and_wins() -> None:
    rows = [
        {"a": {"bytes": 10, "psnr": 30.0, "ms": 1}, "b": {"bytes": 20, "psnr": 29.0, "ms": 1}},
        {"a": {"bytes": 20, "psnr": 30.0, "ms": 1}, "b": {"bytes": 20, "psnr": 33.0, "ms": 1}},
    ]
    found = compare(rows, "a", "b")
    assert found["mean"] == {"psnr": -1.0}
    assert found["worst"] == {"psnr": -3.0}
    assert found["wins"] == {"psnr": 1}
    assert (found["bytes_ratio"], found["bytes_ratio_min"]) == (0.75, 0.5)
