"""The committed records of training runs belong to the shipped weights."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from model.checkpoint import read_checkpoint
from model.training.photos import CHOOSING_FOLD, HELD_FOLD
from model.weights_file import SHIPPED_WEAK_WEIGHTS, SHIPPED_WEIGHTS

RUNS = Path(__file__).parents[2] / "docs" / "runs"


def read_record(name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((RUNS / f"{name}.json").read_text("utf-8"))
    return record


@pytest.mark.parametrize(
    ("weights", "name"), [(SHIPPED_WEAK_WEIGHTS, "classes_weak"), (SHIPPED_WEIGHTS, "classes")]
)
def test_a_record_names_its_weights_and_config(weights: Path, name: str) -> None:
    config, _, checksum = read_checkpoint(weights)
    record = read_record(name)
    assert record["weights"] == checksum
    assert record["config"] == json.loads(json.dumps(asdict(config)))


def test_each_run_started_from_the_one_before_it_without_the_held_out_fold() -> None:
    weak, gaze = read_record("weak"), read_record("gaze")
    assert gaze["weak"] == weak["weights"]
    for name, earlier, keeps_map in (("classes", gaze, True), ("classes_weak", weak, False)):
        record = read_record(name)
        assert record["features"] == earlier["weights"]
        assert record["gaze"] == keeps_map
        assert record["left_out"] == [HELD_FOLD, CHOOSING_FOLD]
    assert gaze["left_out"] == [HELD_FOLD]


def test_the_map_of_the_second_step_scores_as_before() -> None:
    before, after = read_record("gaze")["scores"], read_record("classes")["scores"]
    for name, row in before.items():
        assert after[name]["nss"] == pytest.approx(row["nss"], abs=0.003)
        assert after[name]["captured_25"] == pytest.approx(row["captured_25"], abs=0.002)
