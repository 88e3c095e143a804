import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.__main__ import main
from bench.fit import run
from bench.fit.constants import AXES, list_constants
from codec.jpeg.quantize.tuning import DEFAULT
from tests.codec.pictures import scene, spot

RESULTS = Path(run.__file__).parents[1] / "results"


def test_a_fit_lowers_the_cost_and_writes_its_constants(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(scene(184, 200)).save(tmp_path / "0.png")
    (tmp_path / "maps").mkdir()
    np.save(tmp_path / "maps" / "0.npy", spot(48, 48))
    # Two constants that matter are enough to see it move.
    monkeypatch.setattr(run, "AXES", {name: AXES[name] for name in ("rd_lambda", "saliency_ratio")})
    start = {**list_constants(DEFAULT), "rd_lambda": 1.0, "saliency_ratio": 2.0}
    (tmp_path / "start.json").write_text(json.dumps({"constants": start}))
    out = tmp_path / "results" / "fit.json"
    given = ["--images", str(tmp_path), "--maps", str(tmp_path / "maps"), "--out", str(out)]
    given += ["--start", str(tmp_path / "start.json"), "--quality", "75", "--steps", "1"]
    assert main(["fit", *given, "--jobs", "1"]) == 0
    costs = [float(line[5:]) for line in capsys.readouterr().out.splitlines() if "cost" in line]
    assert len(costs) == 2
    assert costs[1] < costs[0]
    found = json.loads(out.read_text())
    assert found["cost"] == pytest.approx(costs[1], abs=1e-3)
    assert found["constants"] != start
    assert found["meta"]["photos"] == ["0.png"]
    assert {"weighted", "uniform"} <= set(found["columns"]["75"])


def test_a_folder_without_photos_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--images", str(tmp_path), "--out", str(tmp_path / "fit.json")]
    assert main(["fit", *arguments]) == 1
    assert "no photos" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["default", "full"])
def test_the_encoder_has_the_constants_that_were_fitted(name: str) -> None:
    fitted = json.loads((RESULTS / f"fit_{name}.json").read_text("utf-8"))["constants"]
    own = list_constants(run.STARTS[name])
    assert own == pytest.approx(fitted, rel=0.006, abs=0.006)
