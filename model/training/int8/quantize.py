"""Writes the network for CPUs, pruned and in 8 bits, without training: calibrated on photos."""

import argparse
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from model.checkpoint import load_network
from model.input_size import choose_input_size, scale_photo
from model.training.gaze import Record, read_records
from model.training.int8.calibration import calibrate
from model.training.int8.onnx_file import write_onnx
from model.training.int8.pruning import merge_last_projection, prune
from model.training.photos import HELD_FOLD
from model.weights_file import SHIPPED_INT8_WEIGHTS, SHIPPED_WEIGHTS, write_weights

CALIBRATION_PHOTOS: Final = 320
PRICE: Final = 3e-11


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--data", type=Path, required=True, help="folder of fixations/")
    parser.add_argument(
        "--weights", type=Path, default=SHIPPED_WEIGHTS, help="float weights (%(default)s)"
    )
    parser.add_argument(
        "--out", type=Path, default=SHIPPED_INT8_WEIGHTS, help="file to write (%(default)s)"
    )
    parser.add_argument(
        "--photos", type=int, default=CALIBRATION_PHOTOS, help="for calibration (%(default)s)"
    )
    parser.add_argument(
        "--leave-out", type=int, nargs="*", default=[],
        help=f"folds that are not used, besides {HELD_FOLD}",
    )  # fmt: skip
    parser.add_argument(
        "--price", type=float, default=PRICE,
        help="error of the map that one product less is worth (%(default)s); 0 prunes nothing",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of the choice of photos (%(default)s)")


def run(args: argparse.Namespace) -> None:
    """Prune, calibrate and write. The same photos and weights on the same machine give the same bytes.

    Raises:
        FileNotFoundError: there are no photos.
        RuntimeError: the weights are missing or damaged.
    """
    network, _ = load_network(args.weights)
    left_out = {HELD_FOLD, *args.leave_out}
    training = [
        record for record in read_records(args.data / "fixations") if record.fold not in left_out
    ]
    chosen = random.Random(args.seed).sample(training, min(args.photos, len(training)))  # noqa: S311
    photos = list(scale_photos(chosen, network.config.input_area_px))
    network = merge_last_projection(network)
    if args.price:
        network = prune(network, photos, args.price)
    checksum = write_weights(args.out, write_onnx(network, calibrate(network, photos)))
    print(f"{args.out}: {checksum}")


def scale_photos(records: Sequence[Record], area_px: int) -> Iterator[NDArray[np.uint8]]:
    """Yield each photo at the network's input size: (H, W, 3) uint8."""
    for record in tqdm(records, "calibrating", unit="photo"):
        width_px, height_px = record.size
        with Image.open(record.path) as opened:
            yield np.array(scale_photo(opened, choose_input_size(width_px, height_px, area_px)))
