"""The charts of README and docs, from the committed results and from synthetic ones."""

import json
from pathlib import Path

import pytest
from PIL import Image

from bench import charts
from bench.__main__ import main


def test_all_charts_are_drawn_from_the_committed_results(tmp_path: Path) -> None:
    assert main(["charts", "--out", str(tmp_path)]) == 0
    for name in (
        "quality-per-byte.png",
        "images-per-second.png",
        "goodput-under-overload.png",
        "paper-columns.png",
    ):
        committed = charts.PICTURES / name
        with Image.open(tmp_path / name) as drawn, Image.open(committed) as kept:
            assert drawn.size == kept.size


def test_bytes_are_relative_to_the_standard_jpeg_at_quality_50() -> None:
    photos = {
        name: {
            quality: {
                encoder: {"bytes": scale * bytes_, "ssimulacra2_gaze": 60.0 + scale}
                for encoder in charts.ENCODERS
            }
            for quality, bytes_ in (("50", 100), ("70", 150))
        }
        for name, scale in (("a.png", 1), ("b.png", 3))
    }
    curves = charts.find_curves({"images": photos, "by_quality": {"50": {}, "70": {}}})
    assert curves["foveate"] == [(1.0, 62.0), (1.5, 62.0)]


def test_gains_of_shares_are_in_hundredths() -> None:
    standard = dict.fromkeys(charts.PAPER_COLUMNS, 0.5)
    own = standard | {"psnr_s": 3.5, "ssim": 0.52}
    summary = {"standard": standard, "foveate": own}
    gains = charts.find_gains(summary, "foveate")
    assert gains["psnr_s"] == pytest.approx(3.0)
    assert gains["ssim"] == pytest.approx(2.0)
    assert gains["psnr"] == 0


def test_every_server_of_the_chart_is_in_the_results() -> None:
    service = json.loads((charts.RESULTS / "service.json").read_text())
    servers = service["serving"]["servers"]
    assert set(charts.SERVERS) <= set(servers)
    assert service["meta"]["cores"] == pytest.approx(2)
