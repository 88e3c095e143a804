"""Writes the network for CPUs, pruned and in 8 bits, without training: calibrated on photos."""

import argparse
import random
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from model.checkpoint import load_network
from model.input_size import choose_input_size, scale_photo
from model.training.gaze import read_records
from model.training.int8.calibration import calibrate
from model.training.int8.class_branch import replace_class_branch
from model.training.int8.onnx_file import write_onnx
from model.training.int8.pruning import merge_last_projection, prune
from model.training.photos import CHOOSING_FOLD, HELD_FOLD, fold_of, list_photos
from model.weights_file import SHIPPED_INT8_WEIGHTS, SHIPPED_WEIGHTS, read_weights, write_weights

CALIBRATION_PHOTOS: Final = 400
PRICE: Final = 4e-11


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--data", type=Path, required=True, help="folder of train/, coco/ and fixations/"
    )
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
    parser.add_argument(
        "--keep", type=Path,
        help="file whose map and features stay; only its classes become those of the weights",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=0, help="of the choice of photos (%(default)s)")


def run(args: argparse.Namespace) -> None:
    """Prune, calibrate and write; with `--keep`, replace the classes of a file.

    The same photos and weights on the same machine give the same bytes.

    Raises:
        FileNotFoundError: there are no photos.
        RuntimeError: the weights or the kept file are missing or damaged.
        ValueError: the kept file has other classes.
    """
    network, _ = load_network(args.weights)
    chosen = choose_photos(args.data, args.photos, {HELD_FOLD, *args.leave_out}, args.seed)
    photos = list(scale_photos(chosen, network.config.input_area_px))
    if args.keep:
        kept, _ = read_weights(args.keep)
        file = onnx.load_model_from_string(kept)
        replace_class_branch(file, network, photos)
        contents = file.SerializeToString()
    else:
        network = merge_last_projection(network)
        if args.price:
            network = prune(network, photos, args.price)
        contents = write_onnx(network, calibrate(network, photos))
    checksum = write_weights(args.out, contents)
    print(f"{args.out}: {checksum}")


def choose_photos(data: Path, count: int, left_out: Collection[int], seed: int) -> list[Path]:
    """Return random photos: half of them with recorded gaze, half with labels.

    Photos with gaze show few animals and things: without the others, classes lose their channels.
    """
    gazed = [record.path for record in read_records(data / "fixations")]
    gazed = [path for path in gazed if fold_of(path.name) not in left_out]
    listed = list_photos(data, {*left_out, CHOOSING_FOLD})
    labelled = [photo.path for photo in listed if data / "fixations" not in photo.path.parents]
    return [
        path
        for paths in (gazed, labelled)
        for path in random.Random(seed).sample(paths, min(count // 2, len(paths)))  # noqa: S311
    ]


def scale_photos(paths: Sequence[Path], area_px: int) -> Iterator[NDArray[np.uint8]]:
    """Yield each photo at the network's input size: (H, W, 3) uint8."""
    for path in tqdm(paths, "scaling", unit="photo"):
        with Image.open(path) as opened:
            yield np.array(scale_photo(opened, choose_input_size(*opened.size, area_px)))
