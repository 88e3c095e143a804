import argparse
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import rd
from tests.codec.pictures import photo, spot


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    rd.add_arguments(parser)
    return parser.parse_args(arguments)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    images, maps = tmp_path / "images", tmp_path / "maps"
    images.mkdir()
    maps.mkdir()
    for seed in range(2):
        Image.fromarray(photo(184, 200, seed)).save(images / f"{seed}.png")
        np.save(maps / f"{seed}.npy", spot(48, 48))
    return images, maps


def test_every_encoder_is_measured_at_every_quality(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, maps = folders
    out = tmp_path / "results" / "rd.json"
    options = ["--images", str(images), "--maps", str(maps), "--out", str(out)]
    assert rd.run(parse(*options, "--quality", "50", "75")) == 0
    result = json.loads(out.read_text("utf-8"))
    assert sorted(result) == ["images", "meta", "summary"]
    assert sorted(result["images"]) == ["0.png", "1.png"]
    assert str(tmp_path) not in out.read_text("utf-8")
    for quality in ("50", "75"):
        summary = result["summary"][quality]
        assert list(summary) == ["standard", "foveate_uniform", "foveate", "foveate_full"]
        for means in summary.values():
            assert set(rd.COLUMNS) < set(means)
            assert 0.99 <= means["bytes_ratio_min"] <= means["bytes_ratio_max"] <= 1.01
        assert summary["foveate"]["psnr_s"] > summary["foveate_uniform"]["psnr_s"]
    assert "foveate_full" in capsys.readouterr().out


def test_a_folder_without_photos_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rd.run(parse("--images", str(tmp_path), "--out", str(tmp_path / "rd.json"))) == 2
    assert "no photos" in capsys.readouterr().err
