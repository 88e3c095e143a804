"""Removes hidden channels of the blocks that hardly change the map, without training.

Hassibi & Stork, "Second order derivatives for network pruning: Optimal Brain Surgeon", NIPS 1992,
for whole channels: the remaining weights of a block's projection make up for what is removed.
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tqdm import tqdm

from model.efficientnet import Conv, MBConv
from model.maps import smoothing_matrix
from model.msroi import MSROI, normalise_pixels
from model.training.int8.calibration import Channels

# Channels that the runtime's kernels compute together, on processors with AVX2.
STEP: Final = 16
# Of a depthwise product, and of an output's rounding, in products of a 1×1 convolution; measured.
DEPTHWISE_COST, OUTPUT_COST = 5, 15
# Of the mean variance of the hidden channels; the regression's samples are few and alike.
RIDGE: Final = 1e-3
# Share of the error that counts the same at all positions.
EVEN_SHARE: Final = 0.2
PROBES: Final = 2
# Weight of the classes' probabilities beside the map, whose variance is 1.
CLASSES_SHARE: Final = 1.0

Matrix = NDArray[np.float64]


def merge_last_projection(network: MSROI) -> MSROI:
    """Return the network with the last block's projection and the layers that read it as one.

    All are linear, and nothing else uses what lies between.
    """
    network = copy.deepcopy(network)
    last = list_blocks(network)[-1]
    reading = [network.laterals, *([network.context.laterals] if network.context else [])]
    readers = [cast("Conv", layers[-1]).conv for layers in reading]
    weights = torch.cat([conv.weight.detach()[:, :, 0, 0].double() for conv in readers])
    biases = torch.cat([cast("Tensor", conv.bias).detach().double() for conv in readers])
    before = last.project.conv
    matrix = before.weight.detach()[:, :, 0, 0].double()
    merged = Conv(matrix.shape[1], len(weights))
    merged.conv.weight.data = (weights @ matrix).float()[:, :, None, None]
    bias = weights @ cast("Tensor", before.bias).detach().double() + biases
    merged.conv.bias = nn.Parameter(bias.float())
    last.project = merged
    width = readers[0].out_channels
    for index, layers in enumerate(reading):
        layers[-1] = Channels(index * width, (index + 1) * width)
    return network


def list_blocks(network: MSROI) -> list[MBConv]:
    """Return the backbone's blocks; module lists do not know what they hold."""
    return list(cast("Iterable[MBConv]", network.backbone.blocks))


@dataclass
class Sensitivity:
    """How errors of a block's output change the map and the places of classes."""

    channels: Matrix  # (C, C): the mean product of two channels' gradients
    positions: list[Tensor] = field(default_factory=list)  # for each photo (h·w,), mean 1


def measure_sensitivities(network: MSROI, images: Sequence[Tensor]) -> list[Sensitivity]:
    """Return the sensitivity of each block's output, from gradients of what the network shows.

    Products with random directions have the same mean square as all gradients together.
    """
    found = [Sensitivity(np.zeros(())) for _ in list_blocks(network)]
    generator = torch.Generator().manual_seed(0)
    network = copy.deepcopy(network).requires_grad_(requires_grad=False)
    outputs: list[Tensor] = []
    for block in list_blocks(network):
        block.register_forward_hook(lambda *call: outputs.append(call[-1]))
    for image in images:
        outputs.clear()
        shown = show(network, image.clone().requires_grad_())
        squares = [torch.zeros(()) for _ in outputs]
        for _ in range(PROBES):
            direction = torch.randn(shown.shape, generator=generator)
            gradients = torch.autograd.grad(shown, outputs, direction, retain_graph=True)
            for number, gradient in enumerate(gradients):
                flat = flatten(gradient)  # -> (h·w, C)
                channels = (flat.T @ flat).double().numpy() / (PROBES * len(images))
                found[number].channels = found[number].channels + channels
                squares[number] = squares[number] + flat.square().sum(1)
        for one, square in zip(found, squares, strict=True):
            one.positions.append((1 - EVEN_SHARE) * square / square.mean() + EVEN_SHARE)
    return found


def show(network: MSROI, image: Tensor) -> Tensor:
    """Return the standardised map and the probability of each class at each position, as one.

    Each counts by its mean square over positions: (1, 3, H, W) -> (h·w·(1 + C),).
    """
    class_maps, gaze = network.evidence(image)
    (saliency,) = network.saliency(class_maps, gaze)
    rows, columns = (
        torch.from_numpy(smoothing_matrix(samples, network.config.smoothing_cells))
        for samples in saliency.shape
    )
    saliency = rows @ saliency @ columns.T
    standard = (saliency - saliency.mean()) / saliency.std()
    evidence = class_maps.sum(2)
    odds = evidence / (1 + evidence)
    shown = torch.cat([standard.flatten(), CLASSES_SHARE * odds.flatten()])
    scaled: Tensor = shown / saliency.numel() ** 0.5
    return scaled


def flatten(x: Tensor) -> Tensor:
    """Return the channels of each position: (1, C, h, w) -> (h·w, C)."""
    return x[0].flatten(1).T


@dataclass
class Fit:
    """Least squares of a projection: how its inputs and what it should return vary together."""

    inputs: Matrix  # (k, k) covariance, with the ridge
    products: Matrix  # (k, C) covariance with what the present weights leave over
    input_means: Matrix
    target_means: Matrix
    weights: Matrix  # (k, C), the present ones

    def solve(self, kept: NDArray[np.intp]) -> tuple[Matrix, Matrix]:
        """Return the best weights (kept, C) and bias of these inputs alone."""
        gram = self.inputs[np.ix_(kept, kept)]
        wanted = self.inputs[kept] @ self.weights + self.products[kept]
        weights = np.asarray(np.linalg.solve(gram, wanted), np.float64)
        return weights, self.target_means - self.input_means[kept] @ weights


def fit_projection(
    block: MBConv, known: Sequence[Tensor], present: Sequence[Tensor], weights: Sequence[Tensor]
) -> Fit:
    """Return the fit of a block to what it returned, from inputs that have changed since.

    Args:
        block: not pruned yet.
        known: its inputs in the whole network, for each photo.
        present: its inputs after the blocks before it were pruned.
        weights: of the positions of each photo.
    """
    k = block.depthwise.conv.out_channels
    matrix = block.project.conv.weight.detach()[:, :, 0, 0].double().numpy().T  # (k, C)
    total, gram, sums = 0.0, np.zeros(()), np.zeros(())
    for before, now, weight in zip(known, present, weights, strict=True):
        target = block.project.conv(block.depthwise(block.expand(before)))
        if block.residual:
            target = target + before - now
        hidden = block.depthwise(block.expand(now))
        both = torch.cat([flatten(hidden), flatten(target)], 1)  # (h·w, k + C)
        weighted = both * weight[:, None]
        gram = gram + (weighted.T @ both).double().numpy()
        sums = sums + weighted.double().sum(0).numpy()
        total += float(weight.double().sum())
    means = sums / total
    covariance = gram / total - np.outer(means, means)
    inputs, products = covariance[:k, :k], covariance[:k, k:]
    left_over = products - inputs @ matrix
    ridged = inputs + RIDGE * np.trace(inputs) / k * np.eye(k)
    return Fit(ridged, left_over, means[:k], means[k:], matrix)


def order_channels(fit: Fit, sensitivity: Matrix, limit: float) -> tuple[list[int], Matrix]:
    """Return hidden channels, least important first, and the error before and after each removal.

    Args:
        fit: of the block's projection.
        sensitivity: (C, C), of the block's output.
        limit: the order ends at the first error above it.
    """
    inverse = np.linalg.inv(fit.inputs)
    values, vectors = np.linalg.eigh(sensitivity)
    root = vectors * np.sqrt(np.maximum(values, 0))
    weights = (fit.weights + inverse @ fit.products) @ root
    left = np.arange(len(weights))
    order: list[int] = []
    errors = [0.0]
    while len(left) > STEP and errors[-1] <= limit:
        increases = np.square(weights).sum(1) / np.diag(inverse)
        place = int(increases.argmin())
        order.append(int(left[place]))
        errors.append(errors[-1] + float(increases[place]))
        column = inverse[:, place] / inverse[place, place]
        # What is left has the inverse and the weights of a fit without the channel.
        inverse -= np.outer(column, inverse[place])
        weights -= np.outer(column, weights[place])
        rest = np.arange(len(left)) != place
        inverse, weights, left = inverse[np.ix_(rest, rest)], weights[rest], left[rest]
    return order, np.array(errors)


def cost_of_channel(block: MBConv, positions: int) -> float:
    """Return the cost of one hidden channel, in products; ``positions`` are those of the input."""
    depthwise, expand = block.depthwise.conv, cast("Conv", block.expand).conv
    kernel = DEPTHWISE_COST * depthwise.kernel_size[0] ** 2
    before = expand.in_channels + OUTPUT_COST
    after = kernel + OUTPUT_COST + block.project.conv.out_channels
    return positions * (before + after / depthwise.stride[0] ** 2)


def pick_outputs(conv: Conv, kept: Tensor) -> Conv:
    """Return the convolution with these outputs only; of a depthwise one, with these channels."""
    old = conv.conv
    depthwise = old.groups > 1
    new = Conv(
        len(kept) if depthwise else old.in_channels,
        len(kept),
        kernel=old.kernel_size[0],
        stride=old.stride[0],
        groups=len(kept) if depthwise else 1,
        activate=conv.activate,
    )
    new.conv.weight.data = old.weight.detach()[kept].clone()
    new.conv.bias = nn.Parameter(cast("Tensor", old.bias).detach()[kept].clone())
    return new


def prune_block(block: MBConv, fit: Fit, kept: NDArray[np.intp]) -> None:
    """Leave these hidden channels only, with the projection that fits them."""
    indices = torch.from_numpy(kept)
    weights, bias = fit.solve(kept)
    block.expand = pick_outputs(cast("Conv", block.expand), indices)
    block.depthwise = pick_outputs(block.depthwise, indices)
    project = Conv(len(kept), len(bias), activate=block.project.activate)
    project.conv.weight.data = torch.from_numpy(weights.T.copy()).float()[:, :, None, None]
    project.conv.bias = nn.Parameter(torch.from_numpy(bias).float())
    block.project = project


def prune(network: MSROI, photos: Iterable[NDArray[np.uint8]], price: float) -> MSROI:
    """Return a smaller network of nearly the same maps; the first block stays whole.

    Args:
        network: from `merge_last_projection`.
        photos: (H, W, 3) at the network's input size.
        price: the error that is worth one product less, as a share of the map's variance.
            Channels go in steps of `STEP`.
    """
    images = [normalise_pixels(torch.from_numpy(photo)[None]) for photo in photos]
    sensitivities = measure_sensitivities(network, images)
    network = copy.deepcopy(network)
    first, *blocks = list_blocks(network)
    with torch.inference_mode():
        known = [first(network.backbone.stem(image)) for image in images]
        present = known
        for block, sensitivity in zip(tqdm(blocks, "pruning"), sensitivities[1:], strict=True):
            fit = fit_projection(block, known, present, sensitivity.positions)
            known = [block(x) for x in known]
            hidden = len(fit.weights)
            worth = price * cost_of_channel(block, present[0][0, 0].numel())
            order, errors = order_channels(fit, sensitivity.channels, worth * hidden)
            counts = np.arange(0, len(errors), STEP)
            removed = counts[np.argmin(errors[counts] - worth * counts)]
            prune_block(block, fit, np.setdiff1d(np.arange(hidden), order[:removed]))
            present = [block(x) for x in present]
    return network
