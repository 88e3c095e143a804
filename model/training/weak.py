"""Step one, weak labels: presence of classes in windows and cells of mosaics; no box, no gaze."""

import argparse
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor

from model.msroi import MSROI, MSROIConfig, normalise_pixels
from model.training.backbone import load_classifier
from model.training.classes import Classes, group_synsets, read_words
from model.training.initialisation import initialise_head
from model.training.lessons import Lessons
from model.training.loop import Settings, train, write_run
from model.training.losses import cells_loss, presence_loss
from model.training.mosaics import Mosaics, WeakBatch, make_targets
from model.training.photos import Photo, find_photos
from model.training.teachers import teach


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--data", type=Path, required=True, help="folder of train/")
    parser.add_argument("--run", type=Path, required=True, help="folder for weights, log, curves")
    parser.add_argument("--lessons", type=Path, help="what the teachers said; else asked anew")
    parser.add_argument("--groups", type=int, default=20, help="of synsets")
    parser.add_argument("--features", type=int, default=2, help="of each class")
    parser.add_argument("--steps", type=int, default=450)
    parser.add_argument("--batch-size", type=int, default=12)
    parser.add_argument("--head-rate", type=float, default=2e-3)
    parser.add_argument("--backbone-rate", type=float, default=2e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")


def run(args: argparse.Namespace) -> None:
    """Train and write the run."""
    torch.manual_seed(args.seed)
    photos, batches, classes = make_batches(
        args.data / "train",
        args.lessons or args.run / "lessons.npz",
        groups=args.groups,
        batch_size=args.batch_size,
        seed=args.seed,
        device=args.device,
    )
    network = MSROI(MSROIConfig(classes.names, args.features))
    network.backbone.load_state_dict(load_classifier().backbone.state_dict())
    initialise_head(network, normalise_pixels(batches[0].pixels))
    # The weights of gaze calibration: the weak network is the paper's plain sum.
    for calibrated in (network.log_feature_weights, network.log_prior_x, network.log_prior_y):
        calibrated.requires_grad = False
    settings = Settings(args.steps, args.head_rate, args.backbone_rate, args.batch_size, args.seed)
    trained = train(network, batches, weak_losses, settings, folder=args.run, device=args.device)
    facts = {"step": "weak", "settings": asdict(settings), "photos": len(photos)}
    checksum = write_run(args.run, trained, facts)
    print(f"{args.run}: {checksum}")


def make_batches(
    root: Path, lessons_path: Path, *, groups: int, batch_size: int, seed: int, device: str
) -> tuple[list[Photo], Mosaics, Classes]:
    """Return the photos, the batches of mosaics of them, and the classes.

    Raises:
        RuntimeError: the lessons are of other photos.
    """
    photos = find_photos(root)
    classifier = load_classifier()
    if not lessons_path.is_file():
        teach(photos, classifier, device, seed).save(lessons_path)
    lessons = Lessons.load(lessons_path, photos)
    rows = classifier.synsets.weight.detach().cpu().numpy()[:, :, 0, 0]
    classes = group_synsets(rows, read_words(root / "imagenet_synsets.tsv"), groups)
    targets = make_targets(photos, lessons, classes)
    return photos, Mosaics(photos, lessons, targets, batch_size=batch_size, seed=seed), classes


def weak_losses(network: MSROI, batch: WeakBatch) -> dict[str, Tensor]:
    """Return the losses of the classes' presence in windows and in cells."""
    maps = network.class_maps(normalise_pixels(batch.pixels))
    return {
        "presence": presence_loss(maps, batch.windows, batch.presence, batch.known),
        "cells": cells_loss(maps, batch.cells, batch.cells_known),
    }
