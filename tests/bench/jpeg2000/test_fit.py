"""`bench jpeg2000-fit` finds the slope at which files are as good as the reference."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.__main__ import main
from bench.jpeg2000 import fit
from tests.codec.pictures import scene, spot


def test_rows_and_coefficients(tmp_path: Path) -> None:
    for seed in range(2):
        Image.fromarray(scene(96, 120, seed)).save(tmp_path / f"{seed}.png")
        np.save(tmp_path / f"{seed}.npy", spot(24, 24))
    options = ["--images", str(tmp_path), "--maps", str(tmp_path), "--jobs", "1"]
    options += ["--quality", "40", "80"]
    assert main(["jpeg2000-fit", *options, "--out", str(tmp_path / "o.json")]) == 0
    result = json.loads((tmp_path / "o.json").read_text())
    assert len(result["rows"]) == 4
    by_quality = {row["quality"]: row["log_lambda"] for row in result["rows"] if row["photo"] == 0}
    assert by_quality[40] > by_quality[80]
    assert set(result["fits"]) >= {"log_scale", "log_error"}


def test_a_linear_relation_is_found() -> None:
    rng = np.random.default_rng(0)
    rows = [
        {"photo": number // 3, "log_scale": a, "log_error": b, "log_lambda": 2 * a - b + 1}
        for number, (a, b) in enumerate(rng.normal(size=(30, 2)))
    ]
    found = fit.fit(rows, ("log_scale", "log_error"))
    assert found["coefficients"] == pytest.approx([1, 2, -1])
    assert found["rms_error"] < 1e-6
