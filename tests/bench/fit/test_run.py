import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.__main__ import main
from bench.datasets.photos import Photo
from bench.fit import run
from bench.fit.constants import list_constants
from codec.jpeg.quantize.tuning import PSNR
from tests.codec.pictures import scene, spot

RESULTS = Path(run.__file__).parents[1] / "results"
START = {**list_constants(PSNR.default), "rd_lambda": 1.0, "saliency_ratio": 2.0}
FITTED = ("rd_lambda", "saliency_ratio")


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the arguments of a fit of two constants that matter, from bad initial ones."""
    Image.fromarray(scene(184, 200)).save(tmp_path / "0.png")
    np.save(tmp_path / "0.npy", spot(48, 48))
    photo = Photo("0.png", tmp_path / "0.png", "", map_path=tmp_path / "0.npy")
    monkeypatch.setattr(run, "choose_photos", lambda *_: [photo])
    (tmp_path / "start.json").write_text(json.dumps({"constants": START}))
    given = ["--images", str(tmp_path), "--goals", "psnr", "--quality", "75", "--jobs", "1"]
    given += ["--constants", *FITTED, "--population", "4", "--seed", "3"]
    return [*given, "--start", str(tmp_path / "start.json")]


def fit(arguments: list[str], out: Path, *more: str) -> dict[str, Any]:
    assert main(["fit", *arguments, "--out", str(out), *more]) == 0
    content: dict[str, Any] = json.loads(out.read_text("utf-8"))
    return content


def test_a_fit_lowers_the_cost_and_continues_from_its_file(
    tmp_path: Path, arguments: list[str]
) -> None:
    out = tmp_path / "results" / "fit.json"
    found = fit(arguments, out, "--generations", "3")
    first, last = (found["validation"][name]["cost"] for name in ("first", "last"))
    assert last < first
    changed = {name for name, value in found["constants"].items() if value != START[name]}
    assert changed == set(FITTED)
    assert set(found["deviations"]) == set(FITTED)
    assert found["meta"]["photos"]["fit"] == ["0.png"]
    assert found["generation"] == 3
    again = tmp_path / "again.json"
    continued = fit([*arguments, "--start", str(out)], again, "--generations", "1")
    assert continued["generation"] == 4
    assert continued["validation"]["first"]["cost"] == pytest.approx(last, abs=0.02)


def test_the_same_seed_finds_the_same_constants(tmp_path: Path, arguments: list[str]) -> None:
    one, other = (
        fit(arguments, tmp_path / f"{name}.json", "--generations", "1") for name in ("one", "other")
    )
    assert one["constants"] == other["constants"]


def test_no_generation_begins_after_the_time_limit(tmp_path: Path, arguments: list[str]) -> None:
    found = fit(arguments, tmp_path / "fit.json", "--minutes", "0")
    assert found["generation"] == 0
    assert found["constants"] == pytest.approx(START, abs=1e-4)


def test_a_folder_without_photos_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--images", str(tmp_path), "--out", str(tmp_path / "fit.json")]
    assert main(["fit", *arguments]) == 1
    assert "no photos" in capsys.readouterr().err
