"""The committed records of training runs belong to the shipped weights."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from model.checkpoint import read_checkpoint
from model.training.photos import HELD_FOLD
from model.weights_file import SHIPPED_WEAK_WEIGHTS, SHIPPED_WEIGHTS

RUNS = Path(__file__).parents[2] / "docs" / "runs"


@pytest.mark.parametrize(
    ("weights", "name"), [(SHIPPED_WEAK_WEIGHTS, "weak"), (SHIPPED_WEIGHTS, "gaze")]
)
def test_a_record_names_its_weights_and_config(weights: Path, name: str) -> None:
    config, _, checksum = read_checkpoint(weights)
    record = json.loads((RUNS / f"{name}.json").read_text("utf-8"))
    assert record["weights"] == checksum
    assert record["config"] == json.loads(json.dumps(asdict(config)))


def test_the_shipped_weights_started_from_the_weak_ones_without_the_held_out_fold() -> None:
    record = json.loads((RUNS / "gaze.json").read_text("utf-8"))
    *_, weak = read_checkpoint(SHIPPED_WEAK_WEIGHTS)
    assert record["weak"] == weak
    assert record["left_out"] == [HELD_FOLD]
