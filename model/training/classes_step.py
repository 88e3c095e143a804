"""Step three, the classes: trains the class layer and its context on features that stay as they are.

It learns from mosaics, as step one does, and from whole photos at the size at which the service
sees them. Presence becomes a decision between the classes of classes.json. The map is the levelled
sum over the present ones; or, with `--gaze`, the one that the earlier network has learnt from
recorded gaze.
"""

import argparse
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset
from tqdm import tqdm

from model.checkpoint import load_network
from model.msroi import MSROI, normalise_pixels
from model.torch_predictor import choose_precision
from model.training.calibration import calibrate_presence
from model.training.evaluate import score_by_set
from model.training.gaze import read_records
from model.training.initialisation import initialise_context
from model.training.labels.classes import make_classes
from model.training.loop import Settings, group_class_parameters, train
from model.training.losses import cells_loss, presence_loss
from model.training.mosaics import MosaicBatches, WeakBatch, WeakTargets, WholePhotoBatches
from model.training.photos import CHOOSING_FOLD, HELD_FOLD, find_coco, find_photos
from model.training.run_folder import write_run
from model.training.weak_step import add_run_arguments, make_batches

PRESENCE_WEIGHT: Final = 0.5
CELLS_WEIGHT: Final = 0.5
FEATURES_PER_CLASS: Final = 2  # D
LEVELLING: Final = 0.7  # of a map that is the sum over classes
# All else of an earlier network stays as it is.
REPLACED: Final = ("classes.", "log_feature_weights")
BATCHES: Final = 200  # of mosaics, different ones; their features are kept in memory, 11 MB each


class Taps(NamedTuple):
    """Features of N photos that stay as they are, in float16."""

    fine: Tensor  # (N, 64, h, w), `MSROI.fine_features`
    at_16: Tensor  # (N, 112, h/2, w/2), of the backbone
    at_32: Tensor  # (N, 320, h/4, w/4)


class FrozenBatch(NamedTuple):
    """Features of mosaics or photos and what these show."""

    taps: Taps
    targets: WeakTargets


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of step three."""
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of train/, coco/ and fixations/"
    )
    parser.add_argument("--features", type=Path, required=True, help="weights of an earlier step")
    parser.add_argument("--soft-labels", type=Path, required=True, help="made if missing")
    parser.add_argument(
        "--gaze", action=argparse.BooleanOptionalAction, default=True,
        help="keep the earlier map; else it becomes the levelled sum over present classes",
    )  # fmt: skip
    add_run_arguments(parser, steps=1500, head_rate=3e-3)


def run(args: argparse.Namespace) -> None:
    """Train, calibrate, measure, write the run.

    Raises:
        RuntimeError: the weights are missing or damaged, they are of a third step, the soft labels
            are of other photos, or `--run` holds a run with other settings.
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
    network, checksum = take_features(args.features, gaze=args.gaze)
    initialise_context(network, normalise_pixels(mosaics[0].pixels))
    batches = FrozenBatches(network.to(args.device), mosaics)
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
    records = [
        record for record in read_records(args.data / "fixations") if record.fold == HELD_FOLD
    ]
    scores = score_by_set(trained, records)
    facts = {
        "step": "classes", "features": checksum, "settings": asdict(settings), "gaze": args.gaze,
        "left_out": sorted(left_out), "measured_fold": HELD_FOLD, "photos": len(photos),
        "scores": scores,
    }  # fmt: skip
    checksum = write_run(args.run, trained, facts)
    print(f"{args.run}: {checksum}\n{json.dumps(scores, indent=1)}")


def take_features(path: Path, *, gaze: bool) -> tuple[MSROI, str]:
    """Return a network with the features of an earlier one, and the checksum of that.

    Args:
        path: weights of the first or second step.
        gaze: whether the map stays that of the earlier network, summed over all its classes.

    Raises:
        RuntimeError: the file is missing or damaged, or of a third step.
    """
    earlier, checksum = load_network(path)
    if earlier.config.context:
        raise RuntimeError(f"{path} has the classes of step three already")
    config = replace(
        earlier.config,
        classes=make_classes().names,
        features_per_class=FEATURES_PER_CLASS,
        context=True,
        gaze_features=earlier.classes.out_channels if gaze else 0,
        levelling=0.0 if gaze else LEVELLING,
    )
    network = MSROI(config)
    state = earlier.state_dict()
    kept = {name: tensor for name, tensor in state.items() if not name.startswith(REPLACED)}
    if gaze:
        # exp(log w + log f) = w · f: the weights of the sum become part of the layer.
        kept["gaze.weight"] = state["classes.weight"]
        kept["gaze.bias"] = state["classes.bias"] + earlier.log_feature_weights.detach().flatten()
    network.load_state_dict(kept, strict=False)
    return network, checksum


class FrozenBatches(Dataset[FrozenBatch]):
    """`BATCHES` batches of mosaics and all of whole photos, mixed, again and again.

    They went through the features that stay.
    """

    def __init__(self, network: MSROI, mosaics: MosaicBatches) -> None:
        whole = WholePhotoBatches(
            mosaics.photos,
            mosaics.targets,
            network.config.input_area_px,
            batch_size=mosaics.batch_size,
            seed=mosaics.seed,
        )
        drawn = [*((mosaics, index) for index in range(BATCHES)),
                 *((whole, index) for index in range(len(whole)))]  # fmt: skip
        order = np.random.default_rng(mosaics.seed).permutation(len(drawn))
        self._batches = []
        for place in tqdm(order, "features", unit="batch"):
            source, index = drawn[place]
            self._batches.append(self.freeze(network, source, index))

    @staticmethod
    def freeze(network: MSROI, source: Dataset[WeakBatch], index: int) -> FrozenBatch:
        """Return a batch with the network's features instead of its pixels."""
        weak = source[index]
        return FrozenBatch(take_taps(network, weak.pixels), weak.targets)

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, step: int) -> FrozenBatch:
        return self._batches[step % len(self._batches)]


@torch.no_grad()
def take_taps(network: MSROI, pixels: Tensor) -> Taps:
    """Return what the classes are trained on: (N, H, W, 3) uint8 -> features in float16."""
    device = network.log_prior_x.device
    precision = choose_precision(device)
    rows = []
    # One photo at a time is faster on a CPU: its activations stay in the cache.
    for photo in torch.split(pixels, 1 if device.type == "cpu" else len(pixels)):
        with torch.autocast(device.type, precision, enabled=precision == torch.bfloat16):
            taps = network.taps(normalise_pixels(photo.to(device)))
            fine = network.fine_features(taps)
        rows.append([tensor.half().cpu() for tensor in (fine, *taps[1:])])
    return Taps(*(torch.cat(tensors) for tensors in zip(*rows, strict=True)))


def map_classes(network: MSROI, taps: Taps) -> Tensor:
    """Return the class maps of features: (N, C, D, h, w)."""
    return network.map_classes(*(tensor.float() for tensor in taps))


def class_losses(network: MSROI, batch: FrozenBatch) -> dict[str, Tensor]:
    """Return the weighted losses of presence in windows and in cells, both ()."""
    targets, maps = batch.targets, map_classes(network, batch.taps)
    presence = presence_loss(maps, targets.windows, targets.presence, targets.known)
    cells = cells_loss(maps, targets.cells, targets.cells_known)
    return {"presence": PRESENCE_WEIGHT * presence, "cells": CELLS_WEIGHT * cells}
