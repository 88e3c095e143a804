"""Step two, recorded gaze: trains features, class weights and the centre prior on fixations.

The presence loss of step one is kept, so the maps remain maps of classes.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Final, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset

from model.checkpoint import load_network
from model.msroi import MSROI, normalise_pixels
from model.training.evaluate import fit_constants, score_by_set
from model.training.gaze import GazeBatch, GazeBatches, read_records, subsample_records
from model.training.labels.classes import make_classes
from model.training.loop import Settings, train
from model.training.losses import gaze_loss, presence_loss
from model.training.mosaics import MosaicBatches, WeakBatch
from model.training.photos import HELD_FOLD
from model.training.run_folder import write_run
from model.training.weak_step import add_run_arguments, make_batches

PRESENCE_WEIGHT: Final = 0.05  # of the presence loss; the gaze loss is about 0.5 nats


class JointBatch(NamedTuple):
    """A batch of gaze and a batch of mosaics."""

    gaze: GazeBatch
    weak: WeakBatch


class JointBatches(Dataset[JointBatch]):
    """Pairs of the nth batch of gaze and the nth batch of mosaics."""

    def __init__(self, gaze: GazeBatches, mosaics: MosaicBatches) -> None:
        self.gaze = gaze
        self.mosaics = mosaics

    def __getitem__(self, step: int) -> JointBatch:
        return JointBatch(self.gaze[step], self.mosaics[step])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of step two."""
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of train/, coco/ and fixations/"
    )
    parser.add_argument("--weak", type=Path, required=True, help="folder of the first step's run")
    parser.add_argument(
        "--soft-labels", type=Path, help="the teachers' labels; default: in the first step's folder"
    )
    parser.add_argument(
        "--leave-out", type=int, nargs="*", default=[],
        help=f"folds not trained on, besides {HELD_FOLD}; the first one measures the run",
    )  # fmt: skip
    add_run_arguments(parser, steps=700, head_rate=1e-3)


def run(args: argparse.Namespace) -> None:
    """Train, fit threshold and smoothing, measure, write the run.

    Raises:
        RuntimeError: the first step's weights are missing or damaged, it was trained for other
            classes, the soft labels are of other photos, or `--run` holds a run with other settings.
    """
    torch.manual_seed(args.seed)
    network, weak_checksum = load_network(args.weak / "msroi.safetensors")
    records = read_records(args.data / "fixations")
    left_out = {HELD_FOLD, *args.leave_out}
    training = [record for record in records if record.fold not in left_out]
    measured_fold = args.leave_out[0] if args.leave_out else HELD_FOLD
    gaze = GazeBatches(
        training, area_px=network.config.input_area_px, batch_size=args.batch_size, seed=args.seed
    )
    _, mosaics = make_batches(
        args.data,
        args.soft_labels or args.weak / "soft_labels.npz",
        left_out,
        batch_size=max(args.batch_size // 4, 1),
        seed=args.seed + 1,
        device=args.device,
    )
    if make_classes().names != network.config.classes:
        raise RuntimeError(f"{args.weak} was trained for other classes: run the first step again")
    settings = Settings(args.steps, args.head_rate, args.backbone_rate, args.batch_size, args.seed)
    trained = train(
        network,
        JointBatches(gaze, mosaics),
        joint_losses,
        settings,
        folder=args.run,
        device=args.device,
    )
    trained.config = fit_constants(trained, subsample_records(training))
    scores = score_by_set(trained, [record for record in records if record.fold == measured_fold])
    facts = {
        "step": "gaze", "weak": weak_checksum, "settings": asdict(settings),
        "left_out": sorted(left_out), "measured_fold": measured_fold, "photos": len(training),
        "scores": scores,
    }  # fmt: skip
    checksum = write_run(args.run, trained, facts)
    print(f"{args.run}: {checksum}\n{json.dumps(scores, indent=1)}")


def joint_losses(network: MSROI, batch: JointBatch) -> dict[str, Tensor]:
    """Return the gaze loss and the weighted presence loss, both ()."""
    saliency = network(normalise_pixels(batch.gaze.pixels))
    maps = network.class_maps(normalise_pixels(batch.weak.pixels))
    targets = batch.weak.targets
    presence = presence_loss(maps, targets.windows, targets.presence, targets.known)
    return {
        "gaze": gaze_loss(saliency, batch.gaze.density),
        "presence": PRESENCE_WEIGHT * presence,
    }
