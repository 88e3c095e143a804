"""How targets are met, on one small photo."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.avif.targets import measure_photo, summarise
from bench.datasets.photos import Photo
from tests.codec.avif.pictures import soft_scene
from tests.codec.pictures import spot


def test_each_format_and_target_has_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(soft_scene(96, 128)).save(tmp_path / "0.png")
    saliency = spot(12, 16)
    monkeypatch.setattr(
        "bench.avif.targets.load_prediction", lambda: lambda _image: np.asarray(saliency)
    )
    rows = measure_photo(Photo("0.png", tmp_path / "0.png", ""), [60])
    assert [row["key"] for row in rows] == [
        [name, target, 60] for name in ("jpeg", "avif") for target in ("size", "quality")
    ]
    assert all(0 < row["bytes_ratio"] <= 1.01 for row in rows)


def test_summaries_count_photos() -> None:
    rows = [
        {"bytes_ratio": ratio, "gain": gain, "passes": 2, "ms": 5.0}
        for ratio, gain in ((1.0, 0.5), (0.985, -0.1))
    ]
    found = summarise(rows)
    assert (found["as_good"], found["within_1_percent"], found["gain"]) == (0.5, 0.5, 0.2)
