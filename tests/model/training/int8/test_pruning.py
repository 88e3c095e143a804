"""Pruning, on single blocks and on a network with random weights."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor

from model import efficientnet
from model.config import MSROIConfig
from model.efficientnet import Conv, MBConv
from model.msroi import MSROI, normalise_pixels
from model.training.int8.calibration import Recorder, name_modules, walk
from model.training.int8.pruning import (
    CLASSES_SHARE,
    STEP,
    cost_of_channel,
    fit_projection,
    list_blocks,
    measure_sensitivities,
    merge_last_projection,
    order_channels,
    prune,
    prune_block,
    show,
)
from tests.photos import photo


@pytest.fixture(scope="module")
def network() -> MSROI:
    torch.manual_seed(0)
    return MSROI(MSROIConfig(("a", "b"), context=True, gaze_features=3)).eval()


def make_block(*, redundant: int) -> MBConv:
    """Return a block of 36 hidden channels, the last of which repeat the first."""
    torch.manual_seed(1)
    block = MBConv(6, 6, kernel=3, stride=1, expansion=6).eval().requires_grad_(requires_grad=False)
    for conv in (block.expand, block.depthwise):
        assert isinstance(conv, Conv)
        assert conv.conv.bias is not None
        conv.conv.bias += 1
        for values in (conv.conv.weight, conv.conv.bias):
            values[-redundant:] = values[:redundant]
    return block


def make_inputs(count: int = 3) -> list[Tensor]:
    generator = torch.Generator().manual_seed(2)
    return [torch.rand((1, 6, 24, 20), generator=generator) * 4 for _ in range(count)]


def even(inputs: list[Tensor]) -> list[Tensor]:
    return [torch.ones(x[0, 0].numel()) for x in inputs]


def test_repeated_channels_go_first_and_nothing_is_lost() -> None:
    block, inputs = make_block(redundant=8), make_inputs()
    expected = [block(x) for x in inputs]
    fit = fit_projection(block, inputs, inputs, even(inputs))
    order, errors = order_channels(fit, np.eye(6), np.inf)
    assert len(order) == 36 - STEP
    pairs = [{channel, channel + 28} for channel in range(8)]
    assert sum(len(pair & set(order[:8])) == 1 for pair in pairs) > 5
    assert errors[0] == 0
    assert errors[8] < 0.1 * errors[12]
    prune_block(block, fit, np.setdiff1d(np.arange(36), order[:8]))
    assert block.depthwise.conv.out_channels == 28
    for x, y in zip(inputs, expected, strict=True):
        assert (block(x) - y).std() < 0.01 * y.std()


def test_what_is_left_makes_up_for_what_is_removed() -> None:
    block, inputs = make_block(redundant=1), make_inputs()
    fit = fit_projection(block, inputs, inputs, even(inputs))
    order, errors = order_channels(fit, np.eye(6), np.inf)
    kept = np.setdiff1d(np.arange(36), order[:12])
    whole, simple = copy.deepcopy(block), copy.deepcopy(block)
    prune_block(block, fit, kept)
    fit.products[:] = fit.inputs[:, kept] @ fit.weights[kept] - fit.inputs @ fit.weights
    prune_block(simple, fit, kept)  # as it was, with the best bias
    with torch.no_grad():
        losses = [
            np.mean([float((pruned(x) - whole(x)).square().sum(1).mean()) for x in inputs])
            for pruned in (block, simple)
        ]
    assert losses[0] < 0.7 * losses[1]
    assert losses[0] == pytest.approx(errors[12], rel=0.3)


def test_a_block_makes_up_for_those_before_it() -> None:
    block, inputs = make_block(redundant=1), make_inputs()
    changed = [0.9 * x + 0.1 for x in inputs]
    expected = [block(x) for x in inputs]
    before = [float((block(x) - y).square().mean()) for x, y in zip(changed, expected, strict=True)]
    fit = fit_projection(block, inputs, changed, even(inputs))
    prune_block(block, fit, np.arange(36))
    block.requires_grad_(requires_grad=False)
    after = [float((block(x) - y).square().mean()) for x, y in zip(changed, expected, strict=True)]
    assert np.mean(after) < 0.5 * np.mean(before)


def test_positions_and_channels_count_by_their_weight() -> None:
    block, inputs = make_block(redundant=1), make_inputs(1)
    weights = torch.zeros(24, 20)
    weights[:, :10] = 2
    fits = [
        fit_projection(block, inputs, inputs, [weights.flatten()]),
        fit_projection(block, inputs, inputs, even(inputs)),
    ]
    hidden = block.depthwise(block.expand(inputs[0]))[0, :, :, :10].flatten(1).double().numpy()
    np.testing.assert_allclose(fits[0].input_means, hidden.mean(1), rtol=1e-4)
    assert not np.allclose(fits[0].input_means, fits[1].input_means, rtol=1e-4)
    doubled = order_channels(fits[1], 2 * np.eye(6), np.inf)
    single = order_channels(fits[1], np.eye(6), np.inf)
    assert doubled[0] == single[0]
    np.testing.assert_allclose(doubled[1], 2 * single[1])


def test_the_order_ends_at_the_limit() -> None:
    block, inputs = make_block(redundant=1), make_inputs()
    fit = fit_projection(block, inputs, inputs, even(inputs))
    _, errors = order_channels(fit, np.eye(6), np.inf)
    _, few = order_channels(fit, np.eye(6), errors[5])
    np.testing.assert_allclose(few, errors[:7])


def test_the_sensitivity_tells_how_the_map_changes(network: MSROI) -> None:
    images = [normalise_pixels(torch.from_numpy(photo(96, 96))[None])]
    network = copy.deepcopy(network)
    block = list_blocks(network)[-1]
    found = measure_sensitivities(network, images)
    assert len(found) == len(list_blocks(network))
    channels = found[-1].channels
    np.testing.assert_allclose(channels, channels.T, rtol=1e-6)
    assert [len(one.positions[0]) for one in found[::15]] == [48 * 48, 3 * 3]
    assert float(found[-1].positions[0].mean()) == pytest.approx(1)
    # The layers after the block do not see a channel that they give no weight.
    with torch.no_grad():
        assert network.context is not None
        for layers in (network.laterals, network.context.laterals):
            layers[-1].conv.weight[:, 7] = 0  # type: ignore[union-attr, operator, index]
    assert block.project.conv.out_channels == len(channels)
    blind = measure_sensitivities(network, images)[-1].channels
    assert not blind[7].any()
    assert channels[7, 7] > 0


def test_the_merged_network_has_the_same_maps(network: MSROI) -> None:
    images = normalise_pixels(torch.from_numpy(photo(128, 96))[None])
    for plain, width in ((network, 128), (MSROI(MSROIConfig(("a", "b"))).eval(), 64)):
        merged = merge_last_projection(plain)
        assert list_blocks(merged)[-1].project.conv.out_channels == width
        with torch.inference_mode():
            torch.testing.assert_close(merged(images), plain(images))
            torch.testing.assert_close(merged.class_maps(images), plain.class_maps(images))
            fine, context = walk(merged, Recorder(name_modules(merged)), images)
            taps = merged.taps(images)
            assert torch.equal(fine, merged.fine_features(taps))
            if merged.context is not None:
                assert context is not None
                assert torch.equal(context, merged.context.features(*taps[1:]))


def test_places_of_classes_count_beside_the_map(network: MSROI) -> None:
    image = normalise_pixels(torch.from_numpy(photo(96, 64))[None])
    with torch.inference_mode():
        shown = show(network, image) * (12 * 8) ** 0.5
        evidence = network.class_maps(image).sum(2)[0]
    assert shown.shape == (3 * 12 * 8,)
    assert shown[:96].std() == pytest.approx(1, rel=1e-3)
    torch.testing.assert_close(shown[96:], CLASSES_SHARE * (evidence / (1 + evidence)).flatten())


def test_the_cost_counts_products() -> None:
    block = MBConv(16, 24, kernel=3, stride=2, expansion=6)
    assert cost_of_channel(block, 400) == 400 * (16 + 15) + 100 * (5 * 9 + 15 + 24)


def test_a_price_leaves_fewer_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = tuple((*stage[:3], min(stage[3], 2), stage[4]) for stage in efficientnet.STAGES)
    monkeypatch.setattr(efficientnet, "STAGES", narrow)
    torch.manual_seed(0)
    merged = merge_last_projection(MSROI(MSROIConfig(("a", "b"))).eval())
    photos = [photo(64, 64, seed=seed) for seed in range(2)]
    pruned = prune(merged, photos, 1e-12)
    whole, left = (
        [block.depthwise.conv.out_channels for block in list_blocks(one)]
        for one in (merged, pruned)
    )
    assert sum(left) < sum(whole)
    assert all(after <= before for before, after in zip(whole, left, strict=True))
    assert left[0] == whole[0]
    assert all(width % STEP == 0 for width in left)
    images = normalise_pixels(torch.from_numpy(photos[0])[None])
    with torch.inference_mode():
        assert pruned(images).shape == (1, 8, 8)
