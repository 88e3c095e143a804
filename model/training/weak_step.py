"""Step one, weak labels: trains the classes' presence in windows and cells of mosaics, no gaze."""

import argparse
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from model.config import MSROIConfig
from model.msroi import MSROI, normalise_pixels
from model.training.classifier import load_classifier
from model.training.initialisation import initialise_head
from model.training.labels.classes import make_classes
from model.training.labels.targets import SoftLabels, make_targets
from model.training.labels.teachers import label_photos
from model.training.loop import Settings, train
from model.training.losses import cells_loss, presence_loss
from model.training.mosaics import MosaicBatches, WeakBatch
from model.training.photos import HELD_FOLD, Photo, list_photos
from model.training.run_folder import write_run


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of step one."""
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of train/, coco/ and fixations/"
    )
    parser.add_argument(
        "--soft-labels", type=Path, help="the teachers' labels; made if missing; default: in --run"
    )
    parser.add_argument("--features", type=int, default=2, help="feature maps of each class")
    add_run_arguments(parser, steps=450, head_rate=2e-3)


def add_run_arguments(parser: argparse.ArgumentParser, *, steps: int, head_rate: float) -> None:
    """Declare the options of a run that both steps have, with the step's defaults."""
    parser.add_argument("--run", type=Path, required=True, help="folder for weights, log, curves")
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--batch-size", type=int, default=12)
    parser.add_argument("--head-rate", type=float, default=head_rate)
    parser.add_argument("--backbone-rate", type=float, default=2e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")


def run(args: argparse.Namespace) -> None:
    """Train and write the run.

    Raises:
        RuntimeError: the soft labels are of other photos, or `--run` holds a run with other settings.
    """
    torch.manual_seed(args.seed)
    photos, batches = make_batches(
        args.data,
        args.soft_labels or args.run / "soft_labels.npz",
        {HELD_FOLD},
        batch_size=args.batch_size,
        seed=args.seed,
        device=args.device,
    )
    network = MSROI(MSROIConfig(make_classes().names, args.features))
    network.backbone.load_state_dict(load_classifier().backbone.state_dict())
    initialise_head(network, normalise_pixels(batches[0].pixels))
    # Only step two calibrates: the weak network computes the plain sum of the paper.
    for calibrated in (network.log_feature_weights, network.log_prior_x, network.log_prior_y):
        calibrated.requires_grad = False
    settings = Settings(args.steps, args.head_rate, args.backbone_rate, args.batch_size, args.seed)
    trained = train(network, batches, weak_losses, settings, folder=args.run, device=args.device)
    facts = {"step": "weak", "settings": asdict(settings), "photos": len(photos)}
    checksum = write_run(args.run, trained, facts)
    print(f"{args.run}: {checksum}")


def make_batches(
    data: Path,
    labels_path: Path,
    left_out: Collection[int],
    *,
    batch_size: int,
    seed: int,
    device: str,
) -> tuple[list[Photo], MosaicBatches]:
    """Return the photos of all folds but those left out, and batches of mosaics of them.

    Args:
        data: folder of train/; of coco/ and fixations/ where they are.
        labels_path: file of the soft labels; if missing, the teachers label the photos.
        left_out: folds.
        batch_size: mosaics per batch.
        seed: of the batches.
        device: "cpu" or "cuda", for the teachers.

    Raises:
        FileNotFoundError: `data` has no train/imagenet_synsets.tsv or no photos.
        RuntimeError: the soft labels are of other photos, or there is no teacher for text.
    """
    photos = list_photos(data, left_out)
    if not labels_path.is_file():
        label_photos(photos, load_classifier(), device).save(labels_path)
    targets = make_targets(photos, SoftLabels.load(labels_path, photos), make_classes())
    return photos, MosaicBatches(photos, targets, batch_size=batch_size, seed=seed)


def weak_losses(network: MSROI, batch: WeakBatch) -> dict[str, Tensor]:
    """Return the losses of the classes' presence in windows and in cells, both ()."""
    maps, targets = network.class_maps(normalise_pixels(batch.pixels)), batch.targets
    return {
        "presence": presence_loss(maps, targets.windows, targets.presence, targets.known),
        "cells": cells_loss(maps, targets.cells, targets.cells_known),
    }
