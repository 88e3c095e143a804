"""Step three, the classes: trains the class layer and its context on features that stay as they are.

Presence becomes a decision between the classes of classes.json. The sum over the present ones keeps
the earlier network's map, or is the plain sum.
"""

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset
from tqdm import tqdm

from model.checkpoint import read_checkpoint
from model.msroi import MSROI, normalise_pixels, upsample_2x
from model.torch_predictor import choose_precision
from model.training.calibration import calibrate_presence
from model.training.evaluate import score_by_set
from model.training.gaze import GazeBatches, read_records
from model.training.initialisation import initialise_context
from model.training.labels.classes import make_classes
from model.training.loop import Settings, group_class_parameters, train
from model.training.losses import cells_loss, gaze_loss, presence_loss
from model.training.mosaics import MosaicBatches, WeakTargets
from model.training.photos import CHOOSING_FOLD, HELD_FOLD, find_coco, find_photos
from model.training.run_folder import write_run
from model.training.weak_step import add_run_arguments, make_batches

PRESENCE_WEIGHT: Final = 0.5
CELLS_WEIGHT: Final = 0.5
MAP_WEIGHT: Final = 10.0  # of the divergence from the earlier map, which falls to 0.02 nats
# T while training; the shipped one is chosen afterwards.
TRAINING_THRESHOLD: Final = 0.3
# Initial logarithm of the weight in the map of each class's second feature: it is free to show
# where people look, and counts little for presence.
SECOND_FEATURE_WEIGHT: Final = 2.0

CONTEXT: Final = ("context.", "refine_context.")
KEPT: Final = ("backbone.", "laterals.", "refine_16.", "refine_8.", "log_prior_")
BATCHES: Final = 200  # different ones; their features are kept in memory, 11 MB each


class Taps(NamedTuple):
    """Features of N photos that stay as they are, in float16."""

    fine: Tensor  # (N, 64, h, w), `MSROI.fine_features`
    at_16: Tensor  # (N, 112, h/2, w/2), of the backbone
    at_32: Tensor  # (N, 320, h/4, w/4)


class FrozenBatch(NamedTuple):
    """Features of mosaics and what these show; of views and the earlier map, if it is kept."""

    mosaics: Taps
    targets: WeakTargets
    views: Taps | None
    density: Tensor | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of step three."""
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of train/, coco/ and fixations/"
    )
    parser.add_argument("--features", type=Path, required=True, help="weights of an earlier step")
    parser.add_argument("--soft-labels", type=Path, required=True, help="made if missing")
    parser.add_argument(
        "--gaze", action=argparse.BooleanOptionalAction, default=True,
        help="keep the earlier map; else it becomes the plain sum over present classes",
    )  # fmt: skip
    add_run_arguments(parser, steps=1000, head_rate=3e-3)


def run(args: argparse.Namespace) -> None:
    """Train, calibrate, measure, write the run.

    Raises:
        RuntimeError: the weights are missing or damaged, the soft labels are of other photos, or
            `--run` holds a run with other settings.
    """
    torch.manual_seed(args.seed)
    left_out = {HELD_FOLD, CHOOSING_FOLD}
    photos, mosaics = make_batches(
        args.data,
        args.soft_labels,
        left_out,
        batch_size=args.batch_size,
        seed=args.seed,
        device=args.device,
    )
    network, earlier, checksum = take_features(args.features, gaze=args.gaze)
    initialise_context(network, normalise_pixels(mosaics[0].pixels))
    if args.gaze:
        follow_map(network, earlier)
    records = read_records(args.data / "fixations")
    training = [record for record in records if record.fold not in left_out]
    area_px, size = network.config.input_area_px, max(args.batch_size * 2 // 3, 1)
    views = GazeBatches(training, area_px=area_px, batch_size=size, seed=args.seed + 1)
    batches = FrozenBatches(earlier.to(args.device), mosaics, views if args.gaze else None)
    settings = Settings(args.steps, args.head_rate, 0.0, args.batch_size, args.seed)
    trained = train(
        network,
        batches,
        class_losses,
        settings,
        folder=args.run,
        device=args.device,
        loaders=0,
        group=group_class_parameters,
    )
    labelled = find_photos(args.data / "train")
    scenes = find_coco(args.data / "coco") if (args.data / "coco").is_dir() else []
    calibrate_presence(
        trained,
        [photo for photo in labelled if photo.fold == CHOOSING_FOLD],
        [photo for photo in scenes if photo.fold == CHOOSING_FOLD],
    )
    scores = score_by_set(trained, [record for record in records if record.fold == HELD_FOLD])
    facts = {
        "step": "classes", "features": checksum, "settings": asdict(settings), "gaze": args.gaze,
        "left_out": sorted(left_out), "measured_fold": HELD_FOLD, "photos": len(photos),
        "scores": scores,
    }  # fmt: skip
    checksum = write_run(args.run, trained, facts)
    print(f"{args.run}: {checksum}\n{json.dumps(scores, indent=1)}")


def take_features(path: Path, *, gaze: bool) -> tuple[MSROI, MSROI, str]:
    """Return a network with the features and the prior of an earlier one, that one, and its checksum.

    Args:
        path: weights of an earlier step.
        gaze: whether the map is calibrated; else its weights stay those of the plain sum.

    Raises:
        RuntimeError: the file is missing or damaged, or its features are of another shape.
    """
    config, stored, checksum = read_checkpoint(path)
    state = {name: tensor.float() for name, tensor in stored.items()}
    earlier = MSROI(config)
    kernel = state.pop("classes.weight")
    # The first steps of version 0.1 had no context: their classes give it no weight.
    with torch.no_grad():
        earlier.classes.weight.zero_()
        earlier.classes.weight[:, : kernel.shape[1]] = kernel
    missing, unexpected = earlier.load_state_dict(state, strict=False)
    if unexpected or not all(
        name.startswith(CONTEXT) for name in set(missing) - {"classes.weight"}
    ):
        raise RuntimeError(f"{path} was made for another version of the network")
    settings = replace(config, classes=make_classes().names, threshold=TRAINING_THRESHOLD)
    network = MSROI(settings)
    network.load_state_dict(
        {name: tensor for name, tensor in state.items() if name.startswith(KEPT)}, strict=False
    )
    for parameter in (network.log_feature_weights, network.log_prior_y, network.log_prior_x):
        parameter.requires_grad = gaze
    return network, earlier.eval(), checksum


@torch.no_grad()
def follow_map(network: MSROI, earlier: MSROI) -> None:
    """Initialise each class's second feature as the earlier map, with little weight for presence.

    Its logarithm at the mean over the earlier features: their kernels, by their weight in the map.
    """
    assert network.classes.bias is not None
    assert earlier.classes.bias is not None
    weights = (earlier.log_feature_weights.flatten() + earlier.classes.bias).softmax(0)
    kernel = torch.einsum("k,kc->c", weights, earlier.classes.weight[:, :, 0, 0])
    network.log_feature_weights[:, 1:] = SECOND_FEATURE_WEIGHT
    second = torch.arange(1, network.config.features_per_class)
    for feature in second:
        network.classes.weight[feature :: network.config.features_per_class, :, 0, 0] += kernel


class FrozenBatches(Dataset[FrozenBatch]):
    """The same `BATCHES` batches again and again, through the features that stay."""

    def __init__(self, earlier: MSROI, mosaics: MosaicBatches, views: GazeBatches | None) -> None:
        self._batches = []
        for index in tqdm(range(BATCHES), "features", unit="batch"):
            weak = mosaics[index]
            taps, views_taps, density = take_taps(earlier, weak.pixels), None, None
            if views is not None:
                views_taps = take_taps(earlier, views[index].pixels)
                density = draw_density(earlier, views_taps)
            self._batches.append(FrozenBatch(taps, weak.targets, views_taps, density))

    def __getitem__(self, step: int) -> FrozenBatch:
        return self._batches[step % len(self._batches)]


@torch.no_grad()
def take_taps(network: MSROI, pixels: Tensor) -> Taps:
    """Return what the classes are trained on: (N, H, W, 3) uint8 -> features in float16."""
    device = network.log_prior_x.device
    precision = choose_precision(device)
    rows = []
    # One photo at a time is faster on a CPU: its activations stay in the cache.
    for photo in pixels.split(1 if device.type == "cpu" else len(pixels)):
        with torch.autocast(device.type, precision, enabled=precision == torch.bfloat16):
            taps = network.backbone(normalise_pixels(photo.to(device)))
            fine = network.fine_features(taps)
        rows.append([tensor.half().cpu() for tensor in (fine, *taps[1:])])
    return Taps(*(torch.cat(tensors) for tensors in zip(*rows, strict=True)))


@torch.no_grad()
def draw_density(network: MSROI, taps: Taps) -> Tensor:
    """Return the network's maps, each with a sum of 1: (N, h, w)."""
    taps = Taps(*(tensor.to(network.log_prior_x.device) for tensor in taps))
    saliency = network.saliency(map_classes(network, taps))
    density: Tensor = saliency / saliency.sum((1, 2), keepdim=True)
    return density.cpu()


def map_classes(network: MSROI, taps: Taps) -> Tensor:
    """Return the class maps of features: (N, C, D, h, w)."""
    fine, at_16, at_32 = (tensor.float() for tensor in taps)
    context = upsample_2x(network.context_features((fine, at_16, at_32)))
    return network.map_features(torch.cat([fine, context], 1))


def class_losses(network: MSROI, batch: FrozenBatch) -> dict[str, Tensor]:
    """Return the weighted losses of presence in windows and in cells, and of the map, each ()."""
    weak, maps = batch.targets, map_classes(network, batch.mosaics)
    presence = presence_loss(maps, weak.windows, weak.presence, weak.known)
    cells = cells_loss(maps, weak.cells, weak.cells_known)
    losses = {"presence": PRESENCE_WEIGHT * presence, "cells": CELLS_WEIGHT * cells}
    if batch.views is not None and batch.density is not None:
        saliency = network.saliency(map_classes(network, batch.views))
        losses["map"] = MAP_WEIGHT * gaze_loss(saliency, batch.density)
    return losses
