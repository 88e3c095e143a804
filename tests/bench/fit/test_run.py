import argparse
import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.encoders import decode, encode_standard
from bench.fit import run as fit
from bench.fit.constants import AXES, build_tuning, list_constants, move
from bench.fit.goals import Bound, Goals, Reward
from bench.metrics import full_reference as quality
from bench.metrics import ssimulacra2_fast as fast_ssimulacra2
from codec.jpeg.quantize.tuning import DEFAULT, FULL, Sensitivity
from tests.codec.pictures import photo, spot

RESULTS = Path(fit.__file__).parents[1] / "results"


@pytest.mark.parametrize("size", [(184, 200), (97, 131), (8, 300)])
def test_the_fast_ssimulacra2_agrees_with_the_published_one(size: tuple[int, int]) -> None:
    image = photo(*size)
    scales = fast_ssimulacra2.prepare_original(image)
    for at in (15, 60, 95):
        decoded = decode(encode_standard(image, at))
        published = quality.ssimulacra2(image, decoded)
        assert fast_ssimulacra2.score(scales, decoded) == pytest.approx(published, abs=0.05)


def test_every_constant_is_fitted_but_the_one_that_sets_the_scale() -> None:
    assert set(list_constants(DEFAULT)) - set(AXES) == {"luma.weight"}


def test_constants_make_the_tuning_that_they_came_from() -> None:
    for tuning in (DEFAULT, FULL):
        assert build_tuning(list_constants(tuning)) == tuning


def test_a_move_there_and_back_changes_nothing_within_the_bounds() -> None:
    constants = list_constants(replace(DEFAULT, darkness=1.0))
    constants |= {name: 0.4 for name in constants if name.endswith((".low", ".dc", "masking"))}
    for name in AXES:
        there = move(constants, {name: 0.5})
        assert there != constants
        assert move(there, {name: -0.5})[name] == pytest.approx(constants[name])


def test_a_rise_keeps_its_width() -> None:
    moved = move(list_constants(DEFAULT), {"rise_from": 3.0, "rise_to": -3.0})
    assert moved["rise_to"] >= moved["rise_from"] + 0.05


def test_only_a_column_below_its_bound_costs() -> None:
    goals = Goals((Bound("psnr", 0.1), Bound("ssimulacra2", 1.0, over_rivals=True)), ())
    columns = {
        (75, "weighted"): {"psnr": 0.3, "ssimulacra2": 4.0},
        (75, "mozjpeg"): {"psnr": 0.0, "ssimulacra2": 2.5},
        (75, "jpegli"): {"psnr": 0.0, "ssimulacra2": 2.0},
    }
    assert goals.cost(columns, [75]) == 0.0
    columns[75, "weighted"] = {"psnr": 0.0, "ssimulacra2": 3.0}
    assert goals.cost(columns, [75]) == pytest.approx(10 * 0.1 + 10 * 0.5)


def test_a_reward_lowers_the_cost() -> None:
    goals = Goals((), (Reward("psnr_s", 2.0),))
    assert goals.cost({(75, "weighted"): {"psnr_s": 1.5}}, [75]) == -3.0


def test_a_fit_betters_its_goals_and_says_what_it_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(photo(184, 200)).save(tmp_path / "0.png")
    (tmp_path / "maps").mkdir()
    np.save(tmp_path / "maps" / "0.npy", spot(48, 48))
    # Two constants that matter are enough to see it move.
    monkeypatch.setattr(fit, "AXES", {name: AXES[name] for name in ("rd_lambda", "saliency_ratio")})
    start = {**list_constants(DEFAULT), "rd_lambda": 1.0, "saliency_ratio": 2.0}
    (tmp_path / "start.json").write_text(json.dumps({"constants": start}))
    parser = argparse.ArgumentParser()
    fit.add_arguments(parser)
    out = tmp_path / "results" / "fit.json"
    given = ["--images", str(tmp_path), "--maps", str(tmp_path / "maps"), "--out", str(out)]
    given += ["--start", str(tmp_path / "start.json"), "--quality", "75", "--steps", "1"]
    assert fit.run(parser.parse_args([*given, "--jobs", "1"])) == 0
    costs = [float(line[5:]) for line in capsys.readouterr().out.splitlines() if "cost" in line]
    assert len(costs) == 2
    assert costs[1] < costs[0]
    found = json.loads(out.read_text())
    assert found["cost"] == pytest.approx(costs[1], abs=1e-3)
    assert found["constants"] != start
    assert found["meta"]["photos"] == ["0.png"]
    assert {"weighted", "uniform"} <= set(found["columns"]["75"])


def test_without_photos_a_fit_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    fit.add_arguments(parser)
    arguments = ["--images", str(tmp_path), "--out", str(tmp_path / "fit.json")]
    assert fit.run(parser.parse_args(arguments)) == 1
    assert "no photo" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["default", "full"])
def test_the_encoder_has_the_constants_that_were_fitted(name: str) -> None:
    fitted = json.loads((RESULTS / f"fit_{name}.json").read_text("utf-8"))["constants"]
    own = list_constants(fit.STARTS[name])
    assert own == pytest.approx(fitted, rel=0.006, abs=0.006)


def test_sensitivities_are_what_axes_are_named_after() -> None:
    assert {name.split(".")[1] for name in AXES if "." in name} <= {
        field.name for field in fields(Sensitivity)
    }
