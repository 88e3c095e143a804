import json
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import Tensor
from torch.utils.data import Dataset

from model.config import MSROIConfig
from model.msroi import MSROI, normalise_pixels
from model.training import loop
from model.training.loop import (
    CALIBRATION_RATE_FACTOR,
    FIRST_TRAINED_BLOCK,
    ComputeLosses,
    Settings,
    group_parameters,
    train,
)
from model.training.losses import gaze_loss

SETTINGS = Settings(steps=4, head_rate=1e-2, backbone_rate=1e-3, batch_size=2, averaging=0.5)
SIDE_PX = 32


class Pair(NamedTuple):
    """Noise, and a density with a peak."""

    pixels: Tensor
    density: Tensor


class Pairs(Dataset[Pair]):
    """Batches that depend only on their number."""

    def __getitem__(self, step: int) -> Pair:
        generator = torch.Generator().manual_seed(step)
        shape = (2, SIDE_PX, SIDE_PX, 3)
        pixels = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
        density = torch.zeros(2, SIDE_PX // 8, SIDE_PX // 8)
        density[:, step % 4, 3] = 1
        return Pair(pixels, density)


def compute_losses(network: MSROI, batch: Pair) -> dict[str, Tensor]:
    maps = network.class_maps(normalise_pixels(batch.pixels))
    return {"gaze": gaze_loss(network.saliency(maps), batch.density), "size": 0.1 * maps.mean()}


def network_of(seed: int) -> MSROI:
    torch.manual_seed(seed)
    network = MSROI(MSROIConfig(("cat", "person", "face"), threshold=0.0))
    for name, weight in network.named_parameters():
        # With PyTorch's own initialisation the signal vanishes in deep layers.
        if name.endswith("conv.weight"):
            torch.nn.init.kaiming_normal_(weight, nonlinearity="relu")
    return network


def interrupt_at(call: int) -> ComputeLosses:
    calls = iter(range(call + 1))

    def interrupt(network: MSROI, batch: Pair) -> dict[str, Tensor]:
        if next(calls) == call:
            raise KeyboardInterrupt
        return compute_losses(network, batch)

    return interrupt


def run(
    folder: Path, network: MSROI, losses: ComputeLosses = compute_losses, loaders: int = 0
) -> dict[str, Tensor]:
    trained = train(
        network, Pairs(), losses, SETTINGS, folder=folder, device="cpu", loaders=loaders
    )
    assert not trained.training
    return trained.state_dict()


def steps_in(log: Path) -> list[int]:
    return [json.loads(line)["step"] for line in log.read_text().splitlines()]


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Tensor]]:
    """Return the folder and the averaged weights of a run without interruption."""
    folder = tmp_path_factory.mktemp("runs") / "new" / "uninterrupted"
    return folder, run(folder, network_of(0), loaders=1)


def test_a_resumed_run_ends_with_the_weights_of_an_uninterrupted_one(
    uninterrupted: tuple[Path, dict[str, Tensor]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY_STEPS", 1)
    monkeypatch.setattr(loop, "LOG_EVERY_STEPS", 1)
    monkeypatch.setattr(loop, "draw_curves", lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, network_of(0), interrupt_at(2))
    assert torch.load(tmp_path / "state.pt")["step"] == 2
    # Another initialisation: all weights have to come from the saved state.
    found = run(tmp_path, network_of(1))
    for name, tensor in uninterrupted[1].items():
        torch.testing.assert_close(found[name], tensor, atol=1e-6, rtol=0, msg=name)
    assert steps_in(tmp_path / "log.jsonl") == [0, 1, 2, 3]


def test_a_finished_run_takes_no_further_step(
    uninterrupted: tuple[Path, dict[str, Tensor]],
) -> None:
    folder, weights = uninterrupted
    log = (folder / "log.jsonl").read_text()
    found = run(folder, network_of(1), interrupt_at(0))
    assert all(torch.equal(found[name], tensor) for name, tensor in weights.items())
    assert (folder / "log.jsonl").read_text() == log


def test_early_blocks_and_depthwise_kernels_stay_and_the_rest_is_trained(
    uninterrupted: tuple[Path, dict[str, Tensor]],
) -> None:
    before = network_of(0).state_dict()
    for name, tensor in uninterrupted[1].items():
        parts = name.split(".")
        fixed = parts[0] == "backbone" and (
            parts[1] == "stem" or int(parts[2]) < FIRST_TRAINED_BLOCK or parts[3] == "depthwise"
        )
        assert torch.equal(tensor, before[name]) == fixed, name
        assert tensor.isfinite().all(), name


def test_the_calibration_is_trained_faster_and_without_decay() -> None:
    head, backbone, calibration = group_parameters(network_of(0), SETTINGS)
    assert head["lr"] == SETTINGS.head_rate
    assert backbone["lr"] == SETTINGS.backbone_rate
    assert calibration["lr"] == CALIBRATION_RATE_FACTOR * SETTINGS.head_rate
    assert calibration["weight_decay"] == 0


def test_the_weights_are_an_average_over_the_steps(tmp_path: Path) -> None:
    network = network_of(0)
    weights_before = []

    def watch(network: MSROI, batch: Pair) -> dict[str, Tensor]:
        weights_before.append(network.classes.weight.detach().clone())
        return compute_losses(network, batch)

    found = run(tmp_path, network, watch)["classes.weight"]
    # The average starts after the first step.
    expected = weights_before[1]
    for weights in (*weights_before[2:], network.classes.weight.detach()):
        expected = SETTINGS.averaging * expected + (1 - SETTINGS.averaging) * weights
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    assert not torch.allclose(found, network.classes.weight, atol=1e-6, rtol=0)


def test_training_reduces_the_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "LOG_EVERY_STEPS", 1)
    settings = Settings(steps=8, head_rate=1e-2, backbone_rate=1e-3, batch_size=2)

    class Repeated(Pairs):
        """The same batch at every step."""

        def __getitem__(self, step: int) -> Pair:
            return super().__getitem__(0)

    train(network_of(0), Repeated(), compute_losses, settings,
          folder=tmp_path, device="cpu", loaders=0)  # fmt: skip
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert rows[-1]["gaze"] < 0.8 * rows[0]["gaze"]


def test_a_run_leaves_its_log_its_curves_and_its_state(
    uninterrupted: tuple[Path, dict[str, Tensor]],
) -> None:
    folder, _ = uninterrupted
    assert sorted(path.name for path in folder.iterdir()) == ["curves.png", "log.jsonl", "state.pt"]
    (row,) = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
    assert sorted(row) == ["gaze", "size", "step"]
