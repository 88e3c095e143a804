import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench import encoders
from bench.__main__ import main
from bench.metrics.butteraugli import load_library
from bench.rd.summary import METRICS
from tests.codec.pictures import scene, spot

ENCODERS = (
    "standard", "foveate_uniform", "foveate", "foveate_full",
    "libjpeg_progressive", "mozjpeg", "mozjpeg_flat", "jpegli", "paper",
)  # fmt: skip


def run(*arguments: str) -> int:
    return main(["rd", *arguments, "--jobs", "1"])


def save_photos(folder: Path, names: Sequence[str], height: int = 184, width: int = 200) -> None:
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(scene(height, width, seed)).save(folder / name)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    images, maps = tmp_path / "images", tmp_path / "maps"
    save_photos(images, ["0.png", "1.png"])
    maps.mkdir()
    for seed in range(2):
        np.save(maps / f"{seed}.npy", spot(48, 48))
    return images, maps


def read(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return loaded


def test_all_encoders_have_all_measures_at_the_standard_jpegs_bytes(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, maps = folders
    out, report = tmp_path / "results" / "rd.json", tmp_path / "report"
    gaze = {"0.png": {"width": 200, "height": 184, "fixations_xy": [[60, 92], [70, 100]]}}
    (tmp_path / "fixations.json").write_text(json.dumps(gaze))
    options = ["--images", str(images), "--maps", str(maps), "--out", str(out)]
    options += ["--fixations", str(tmp_path / "fixations.json"), "--report", str(report)]
    assert run(*options, "--quality", "75") == 0
    result = read(out)
    assert list(result) == ["meta", "summary", "by_quality", "images"]
    assert list(result["images"]) == ["0.png"]  # the other has no fixations
    assert str(tmp_path) not in out.read_text("utf-8")
    assert tuple(result["summary"]) == ENCODERS
    present = {metric for metric in METRICS if load_library() or "butteraugli" not in metric}
    for means in result["summary"].values():
        assert set(means) >= {"bytes_ratio", "ms_per_image", *present}
        assert 0.99 <= means["bytes_ratio"] <= 1.01
    gains = result["by_quality"]["75"]
    assert gains["summary"] == result["summary"]
    assert gains["worst"]["foveate"]["psnr_s"]["photo"] == "0.png"
    assert gains["wins"]["foveate_full"]["paper"]["psnr_s"] == 1
    page = (report / "rd.html").read_text("utf-8")
    assert page.count("data:image/png;base64,") == 1 + 1 + len(ENCODERS)  # plot, original, crops
    assert "src='http" not in page
    assert "foveate_full" in capsys.readouterr().out


def test_each_quality_and_folder_has_means_and_a_curve_has_bd_rates(
    tmp_path: Path,
) -> None:
    images, maps, out = tmp_path / "sets", tmp_path / "set-maps", tmp_path / "rd.json"
    for name in ("a/0.png", "b/1.png"):
        save_photos(images, [name], 64, 72)
        (maps / name).parent.mkdir(parents=True)
        np.save((maps / name).with_suffix(".npy"), spot(48, 48))
    options = ["--images", str(images), "--maps", str(maps), "--out", str(out), "--rivals"]
    options += ["libjpeg_progressive", "--curve", "--quality", "30", "50", "70", "90"]
    options += ["--strengths", "0", "0.25"]
    assert run(*options) == 0
    result = read(out)
    assert list(result["by_quality"]) == ["30", "50", "70", "90"]
    assert list(result["by_quality"]["50"]["groups"]) == ["a", "b"]
    assert result["summary"] == result["by_quality"]["30"]["summary"]
    rate = result["bd_rate"]["libjpeg_progressive"]["psnr_y"]
    assert rate["percent"] < 0
    assert rate["photos"] == 2
    for summary in (part["summary"] for part in result["by_quality"].values()):
        assert summary["foveate@0"]["psnr"] == summary["foveate_uniform"]["psnr"]
        assert summary["foveate@0.25"]["psnr_s"] > summary["foveate@0"]["psnr_s"]
    over = result["bd_rate_over"]["libjpeg_progressive"]
    assert over["standard"]["psnr_y"]["percent"] > 0
    assert "libjpeg_progressive" not in over


def test_a_photo_too_small_for_a_measure_lacks_only_that_measure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, maps, out = tmp_path / "images", tmp_path / "maps", tmp_path / "rd.json"
    save_photos(images, ["large.png"])
    save_photos(images, ["small.png"], 30, 50)
    maps.mkdir()
    for name in ("large", "small"):
        np.save(maps / f"{name}.npy", spot(48, 48))
    options = ["--images", str(images), "--maps", str(maps), "--out", str(out), "--rivals"]
    assert run(*options, "--quality", "50") == 0
    rows = read(out)["images"]
    assert "ms_ssim" not in rows["small.png"]["50"]["standard"]
    assert "vifp" not in rows["small.png"]["50"]["standard"]
    assert "ssim" in rows["small.png"]["50"]["standard"]
    summary = read(out)["summary"]["standard"]
    assert summary["ms_ssim"] == rows["large.png"]["50"]["standard"]["ms_ssim"]
    assert "ms_ssim is left out for 1 photos with a side below 176" in capsys.readouterr().err


def test_results_do_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    images, maps = tmp_path / "images", tmp_path / "maps"
    save_photos(images, ["0.png"], 48, 56)
    maps.mkdir()
    np.save(maps / "0.npy", spot(48, 48))
    found = []
    for jobs in ("1", "2"):
        out = tmp_path / f"{jobs}.json"
        options = ["--images", str(images), "--maps", str(maps), "--out", str(out), "--rivals"]
        assert main(["rd", *options, "--quality", "50", "--jobs", jobs]) == 0
        rows = read(out)["images"]
        for photo_rows in rows.values():
            for row in photo_rows["50"].values():
                del row["ms"]
        found.append(rows)
    assert found[0] == found[1]
    assert list(found[0]) == list(found[1])


def test_the_ladder_measures_a_photo_at_several_sizes(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    images, maps = folders
    out = tmp_path / "rd.json"
    options = ["--images", str(images), "--maps", str(maps), "--out", str(out), "--rivals"]
    assert run(*options, "--quality", "50", "--ladder", "3", "--limit", "1") == 0
    names = list(read(out)["images"])
    assert len(names) == 3
    assert names[0].endswith("@64")
    assert names[-1].endswith("@200")


def test_an_unreadable_photo_is_left_out_and_named(
    folders: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, maps = folders
    (images / "2.png").write_bytes(b"no picture")
    out = tmp_path / "rd.json"
    options = ["--images", str(images), "--maps", str(maps), "--out", str(out), "--rivals"]
    assert run(*options, "--quality", "50") == 0
    assert list(read(out)["images"]) == ["0.png", "1.png"]
    assert list(read(out)["meta"]["photos_unreadable"]) == ["2.png"]
    assert "2.png: left out: can't be read" in capsys.readouterr().err


def test_a_folder_of_unreadable_photos_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "0.png").write_bytes(b"no picture")
    assert run("--images", str(tmp_path), "--out", str(tmp_path / "rd.json")) == 2
    assert "no photo could be measured" in capsys.readouterr().err


def test_a_rival_that_is_not_installed_is_left_out_and_named(
    folders: tuple[Path, Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images, maps = folders
    monkeypatch.setitem(encoders.MODULES, "jpegli", ("no_such_binding",))
    out = tmp_path / "rd.json"
    options = ["--images", str(images), "--maps", str(maps), "--out", str(out), "--limit", "1"]
    assert run(*options, "--quality", "50", "--rivals", "jpegli") == 0
    assert "jpegli" not in read(out)["summary"]
    assert "no-such-binding" in read(out)["meta"]["left_out"]["jpegli"]
    assert "jpegli is left out: no-such-binding can't be loaded" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "no photos in empty"),
        (["--fixations", "{gaze}"], "none of the photos in photos has fixations in gaze.json"),
        (["--fixations", "{broken}"], "broken.json is not a file of fixations"),
        (["--ladder", "1"], "--ladder 2 or more"),
        (["--strength", "2"], "--strength must lie in 0..1"),
    ],
)
def test_options_that_leave_nothing_to_measure_are_an_error(
    options: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    save_photos(tmp_path / "photos", ["0.png"], 16, 16)
    gaze, broken = tmp_path / "gaze.json", tmp_path / "broken.json"
    gaze.write_text('{"9.png": {"width": 1, "height": 1, "fixations_xy": []}}')
    broken.write_text('{"0.png": 3}')
    folder = tmp_path / ("photos" if options else "empty")
    filled = [option.format(gaze=gaze, broken=broken) for option in options]
    arguments = ["--images", str(folder), "--out", str(tmp_path / "rd.json"), *filled]
    assert run(*arguments) == 2
    assert message in capsys.readouterr().err
