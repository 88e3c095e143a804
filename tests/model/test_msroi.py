import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from model.config import MSROIConfig
from model.msroi import MSROI, PRIOR_KNOTS, interpolate_knots, normalise_pixels


def network_input(size: tuple[int, int] = (96, 96), count: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    coarse = torch.rand(count, 3, 4, 4, generator=generator)
    return functional.interpolate(coarse, size=size, mode="bicubic") * 2 - 1


def head_of(
    threshold: float,
    *,
    classes: int = 3,
    features_per_class: int = 1,
    context: bool = False,
    gaze_features: int = 0,
) -> MSROI:
    names = tuple(f"class {number}" for number in range(classes))
    config = MSROIConfig(
        names, features_per_class, threshold, context=context, gaze_features=gaze_features
    )
    return MSROI(config).eval()


@pytest.mark.parametrize(("context", "gaze_features"), [(False, 0), (True, 0), (True, 5)])
@pytest.mark.parametrize("size", [(32, 32), (160, 96)])
def test_maps_have_stride_8(size: tuple[int, int], context: bool, gaze_features: int) -> None:
    height, width = size
    network = head_of(
        0.0, classes=7, features_per_class=4, context=context, gaze_features=gaze_features
    )
    images = network_input(size, 2)
    with torch.inference_mode():
        assert network.class_maps(images).shape == (2, 7, 4, height // 8, width // 8)
        assert network(images).shape == (2, height // 8, width // 8)


def test_the_rest_of_the_batch_makes_no_difference() -> None:
    network = head_of(0.0)
    images = network_input((64, 96), 3)
    with torch.inference_mode():
        together, alone = network(images), network(images[1:2])
    assert torch.allclose(together[1], alone[0], atol=1e-4)


def test_class_maps_are_positive_and_single_precision_under_autocast() -> None:
    network = head_of(0.0)
    for enabled in (False, True):
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            found = network.class_maps(network_input())
        assert found.dtype == torch.float32
        assert (found > 0).all()


@pytest.mark.parametrize("value", [-1e4, -1.0, 0.0, 1.0, 1e4])
@pytest.mark.parametrize("bias", [-1e6, 0.0, 1e6])
def test_maps_stay_finite_for_extreme_inputs_and_weights(value: float, bias: float) -> None:
    network = head_of(0.0)
    torch.nn.init.constant_(network.classes.bias, bias)  # type: ignore[arg-type]
    with torch.inference_mode():
        saliency = network(torch.full((1, 3, 64, 64), value))
    assert saliency.isfinite().all()
    assert (saliency >= 0).all()


def test_presence_adds_the_features_of_a_class_and_averages_over_positions() -> None:
    class_maps = torch.arange(16.0).reshape(1, 2, 2, 2, 2)
    found = head_of(0.0, classes=2, features_per_class=2).presence(class_maps)
    assert found.tolist() == [[1.5 + 5.5, 9.5 + 13.5]]


def test_presence_does_not_depend_on_feature_weights_and_prior() -> None:
    class_maps = torch.rand(1, 3, 1, 4, 4)
    network = head_of(0.0)
    before = network.presence(class_maps)
    torch.nn.init.constant_(network.log_feature_weights, 5.0)
    torch.nn.init.constant_(network.log_prior_x, -5.0)
    assert torch.equal(network.presence(class_maps), before)


def test_a_class_below_the_threshold_contributes_nothing() -> None:
    class_maps = torch.zeros(1, 3, 1, 2, 2)
    class_maps[0, 0, 0] = torch.tensor([[4.0, 0.0], [0.0, 0.0]])  # Z = 1
    class_maps[0, 1, 0] = torch.tensor([[0.0, 0.5], [0.5, 0.0]])  # Z = 0.25
    class_maps[0, 2, 0] = torch.tensor([[0.0, 0.0], [2.0, 2.0]])  # Z = 1
    assert head_of(0.5).saliency(class_maps).tolist() == [[[4.0, 0.0], [2.0, 2.0]]]
    assert head_of(0.2).saliency(class_maps).tolist() == [[[4.0, 0.5], [2.5, 2.0]]]


def test_a_class_at_the_threshold_is_not_present() -> None:
    class_maps = torch.full((1, 3, 1, 2, 2), 0.5)
    class_maps[0, 1] = 1.5
    assert head_of(0.5).find_present(class_maps).tolist() == [[False, True, False]]
    assert head_of(0.499).find_present(class_maps).all()


def test_a_class_is_present_if_it_is_in_some_window() -> None:
    class_maps = torch.zeros(1, 2, 1, 8, 12)
    class_maps[0, 0] = 1
    class_maps[0, 1, 0, 3, 5] = 6  # of a window of 2×3: mean 1, of the whole 1/16
    assert head_of(0.99, classes=2).find_present(class_maps).tolist() == [[True, True]]
    assert head_of(1.0, classes=2).find_present(class_maps).tolist() == [[True, False]]


def test_classes_are_levelled_by_their_presence() -> None:
    class_maps = torch.zeros(1, 2, 2, 1, 4)
    class_maps[0, 0, :, 0, 0] = 8.0  # Z = 4
    class_maps[0, 1, 1, 0, 1] = 1.0  # Z = 1/4
    network = head_of(0.0, classes=2, features_per_class=2)
    assert network.saliency(class_maps).tolist() == [[[16.0, 1.0, 0.0, 0.0]]]
    network.config = replace(network.config, levelling=0.5)
    assert network.saliency(class_maps).tolist() == [[[8.0, 2.0, 0.0, 0.0]]]


def test_the_likeliest_class_is_always_present() -> None:
    class_maps = torch.rand(2, 3, 1, 2, 2) / 100
    class_maps[0, 1] += 1
    class_maps[1, 2] += 2
    network = head_of(5.0)
    assert network.find_present(class_maps).nonzero().tolist() == [[0, 1], [1, 2]]
    assert torch.equal(network.saliency(class_maps), class_maps[[0, 1], [1, 2], 0])


def test_each_photo_has_its_own_classes() -> None:
    class_maps = torch.zeros(2, 2, 1, 1, 2)
    class_maps[0, 0, 0] = torch.tensor([[3.0, 1.0]])
    class_maps[0, 1, 0] = torch.tensor([[0.5, 0.5]])
    class_maps[1, 1, 0] = torch.tensor([[1.0, 5.0]])
    found = head_of(1.0, classes=2).saliency(class_maps)
    assert found.tolist() == [[[3.0, 1.0]], [[1.0, 5.0]]]


def test_features_are_weighted() -> None:
    class_maps = torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(1, 2, 2, 1, 1)
    network = head_of(0.0, classes=2, features_per_class=2)
    assert network.saliency(class_maps).item() == 10
    with torch.no_grad():
        network.log_feature_weights.copy_(torch.tensor([[2.0, 1.0], [0.5, 0.25]]).log())
    assert network.saliency(class_maps).item() == pytest.approx(2 + 2 + 1.5 + 1)


def test_the_prior_weights_rows_and_columns() -> None:
    class_maps = torch.ones(1, 3, 1, PRIOR_KNOTS, PRIOR_KNOTS)
    network = head_of(0.0)
    with torch.no_grad():
        network.log_prior_y[2] = math.log(2)
        network.log_prior_x[5] = math.log(5)
    expected = torch.full((PRIOR_KNOTS, PRIOR_KNOTS), 3.0)
    expected[2] *= 2
    expected[:, 5] *= 5
    assert torch.allclose(network.saliency(class_maps)[0], expected)


def test_the_prior_covers_maps_of_any_size() -> None:
    knots = torch.linspace(-1, 1, PRIOR_KNOTS)
    for size in (1, 4, 12, 40, 200):
        axis = interpolate_knots(knots, size)
        assert axis.shape == (size,)
        assert torch.allclose(axis, -axis.flip(0), atol=1e-6)
        assert (axis.diff() >= 0).all()


def test_the_context_adds_to_the_logarithms_of_the_class_maps_alone() -> None:
    network = head_of(0.0, context=True, gaze_features=2)
    assert network.context is not None
    images = network_input((64, 96))
    with torch.inference_mode():
        before, map_before = network.class_maps(images), network(images)
        coarse = network.taps(images)[1:]
        added = network.context(*coarse).reshape(before.shape)
        network.context.classes.weight.mul_(2)
        after, map_after = network.class_maps(images), network(images)
    torch.testing.assert_close(after.log(), before.log() + added)
    assert added.std() > 0.01
    assert torch.equal(map_before, map_after)


def test_the_map_of_calibrated_features_is_their_sum_and_does_not_depend_on_classes() -> None:
    network = head_of(0.0, context=True, gaze_features=2)
    assert network.gaze is not None
    images = network_input((64, 96))
    with torch.inference_mode():
        fine = network.fine_features(network.taps(images))
        expected = network.gaze(fine).exp().sum(1)
        found = network(images)
        torch.testing.assert_close(found, expected)
        torch.nn.init.constant_(network.classes.bias, 5.0)  # type: ignore[arg-type]
        network.config = replace(network.config, threshold=1e9)
        assert torch.equal(network(images), found)
        torch.nn.init.constant_(network.gaze.bias, 1e6)  # type: ignore[arg-type]
        assert network(images).isfinite().all()
        network.log_prior_y += math.log(3)
        torch.nn.init.constant_(network.gaze.bias, 0.0)  # type: ignore[arg-type]
        fine_again = network.gaze(fine).exp().sum(1)
        torch.testing.assert_close(network(images), 3 * fine_again)


def test_every_parameter_gets_a_gradient() -> None:
    network = head_of(0.0, context=True).train()
    network(network_input((64, 64), 2)).sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_pixels_are_scaled_as_in_the_backbone_s_training() -> None:
    pixels = torch.tensor([0, 127, 255], dtype=torch.uint8).reshape(1, 1, 1, 3)
    found = normalise_pixels(pixels)
    assert found.flatten().tolist() == [-127 / 128, 0.0, 1.0]
    assert found.shape == (1, 3, 1, 1)


def test_calibration_starts_as_the_plain_sum_over_all_features() -> None:
    network = head_of(0.0, classes=2, features_per_class=2)
    class_maps = torch.rand(1, 2, 2, 3, 5)
    assert torch.allclose(network.saliency(class_maps), class_maps.sum((1, 2)))
