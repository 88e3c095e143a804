import json
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from model import MSROI, MSROIConfig
from model.checkpoint import load_network
from model.msroi import normalise_pixels
from model.training import loop
from model.training.loop import FIRST_TRAINED_BLOCK, Losses, Settings, train, write_run
from model.training.losses import gaze_loss

SETTINGS = Settings(steps=4, head_rate=1e-2, backbone_rate=1e-3, batch_size=2, averaging=0.5)


class Pair(NamedTuple):
    """Noise, and a place in it."""

    pixels: Tensor
    density: Tensor


class Pairs(Dataset[Pair]):
    """Batches that depend on their number alone."""

    def __getitem__(self, step: int) -> Pair:
        generator = torch.Generator().manual_seed(step)
        pixels = torch.randint(0, 256, (2, 64, 64, 3), generator=generator, dtype=torch.uint8)
        density = torch.zeros(2, 8, 8)
        density[:, step % 8, 3] = 1
        return Pair(pixels, density)


def losses(network: MSROI, batch: Pair) -> dict[str, Tensor]:
    maps = network.class_maps(normalise_pixels(batch.pixels))
    return {"gaze": gaze_loss(network.saliency(maps), batch.density), "size": 0.1 * maps.mean()}


def network_of(seed: int) -> MSROI:
    torch.manual_seed(seed)
    network = MSROI(MSROIConfig(("cat", "person", "face"), threshold=0.0))
    for name, weight in network.named_parameters():
        # Deep layers of PyTorch's own start say nothing.
        if name.endswith("conv.weight"):
            torch.nn.init.kaiming_normal_(weight, nonlinearity="relu")
    return network


def failing_at(call: int) -> Losses:
    calls = iter(range(call + 1))

    def fail(network: MSROI, batch: Pair) -> dict[str, Tensor]:
        if next(calls) == call:
            raise KeyboardInterrupt
        return losses(network, batch)

    return fail


def run(folder: Path, network: MSROI, wanted: Losses = losses) -> dict[str, Tensor]:
    trained = train(network, Pairs(), wanted, SETTINGS, folder=folder, device="cpu")
    assert not trained.training
    return trained.state_dict()


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Tensor]]:
    """Return the folder and the averaged weights of a run in one go."""
    folder = tmp_path_factory.mktemp("runs") / "new" / "straight"
    return folder, run(folder, network_of(0))


def test_a_run_that_goes_on_ends_where_one_in_one_go_does(
    straight: tuple[Path, dict[str, Tensor]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "SAVE_EVERY", 1)
    monkeypatch.setattr(loop, "LOG_EVERY", 1)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, network_of(0), failing_at(2))
    assert torch.load(tmp_path / "state.pt")["step"] == 2
    # Another start: everything has to come from the state.
    found = run(tmp_path, network_of(1))
    for name, tensor in straight[1].items():
        torch.testing.assert_close(found[name], tensor, atol=1e-6, rtol=0, msg=name)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [0, 1, 2, 3]


def test_a_finished_run_takes_no_further_step(
    straight: tuple[Path, dict[str, Tensor]],
) -> None:
    folder, weights = straight
    log = (folder / "log.jsonl").read_text()
    found = run(folder, network_of(1), failing_at(0))
    assert all(torch.equal(found[name], tensor) for name, tensor in weights.items())
    assert (folder / "log.jsonl").read_text() == log


def test_a_run_without_state_starts_its_log_anew(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("of a run that was never saved\n")
    run(tmp_path, network_of(0))
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [0]


def test_early_blocks_and_depthwise_kernels_stay_and_the_rest_learns(
    straight: tuple[Path, dict[str, Tensor]],
) -> None:
    before = network_of(0).state_dict()
    for name, tensor in straight[1].items():
        parts = name.split(".")
        fixed = parts[0] == "backbone" and (
            parts[1] == "stem" or int(parts[2]) < FIRST_TRAINED_BLOCK or parts[3] == "depthwise"
        )
        assert torch.equal(tensor, before[name]) == fixed, name
        assert tensor.isfinite().all(), name


def test_the_weights_are_an_average_over_the_steps(tmp_path: Path) -> None:
    network = network_of(0)
    seen = []

    def watched(network: MSROI, batch: Pair) -> dict[str, Tensor]:
        seen.append(network.classes.weight.detach().clone())
        return losses(network, batch)

    found = run(tmp_path, network, watched)["classes.weight"]
    # Before the first step nothing has been learnt; the average starts after it.
    expected = seen[1]
    for weights in (*seen[2:], network.classes.weight.detach()):
        expected = SETTINGS.averaging * expected + (1 - SETTINGS.averaging) * weights
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    assert not torch.allclose(found, network.classes.weight, atol=1e-6, rtol=0)


def test_training_makes_the_loss_smaller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "LOG_EVERY", 1)
    same = Settings(steps=16, head_rate=1e-2, backbone_rate=1e-3, batch_size=2)

    class Repeated(Pairs):
        """One batch, again and again."""

        def __getitem__(self, step: int) -> Pair:
            return super().__getitem__(0)

    train(network_of(0), Repeated(), losses, same, folder=tmp_path, device="cpu")
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert rows[-1]["gaze"] < 0.8 * rows[0]["gaze"]


def test_a_run_leaves_its_log_its_curves_and_its_state(
    straight: tuple[Path, dict[str, Tensor]],
) -> None:
    folder, _ = straight
    assert sorted(path.name for path in folder.iterdir()) == ["curves.png", "log.jsonl", "state.pt"]
    (row,) = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
    assert sorted(row) == ["gaze", "size", "step"]
    with Image.open(folder / "curves.png") as curves:
        curves.load()
        assert curves.format == "PNG"


def test_written_weights_are_loaded_again(tmp_path: Path) -> None:
    network = network_of(0)
    checksum = write_run(tmp_path, network, {"photos": 3})
    loaded, found = load_network(tmp_path / "msroi.safetensors")
    record = json.loads((tmp_path / "run.json").read_text())
    assert found == checksum == record["weights"]
    assert record["photos"] == 3
    assert tuple(record["config"]["classes"]) == network.config.classes
    assert loaded.config == network.config
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], tensor, atol=1e-4, rtol=1e-3)
