"""Calibrates presence on photos that training left out: an offset for each class, and T."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from model.input_size import choose_input_size, scale_photo
from model.msroi import MSROI, normalise_pixels
from model.training.photos import FACE, PERSON, TEXT, Photo, is_single

# Offsets are drawn to 0 as if by this many photos on either side of the odds.
PRIOR_PHOTOS: Final = 5.0
LARGEST_OFFSET: Final = 3.0
# A photo of a scene counts as much as that many of one object: there are few.
SCENE_WEIGHT: Final = 5.0
# Candidates of T, the odds of presence; the highest with this share of labels present is chosen.
THRESHOLDS: Final = tuple(float(odds) for odds in np.geomspace(1, 0.05, 40).round(3))
RIGHT_SHARE: Final = 0.93

Known = NDArray[np.bool_]


def measure_odds(network: MSROI, photos: Sequence[Photo]) -> NDArray[np.float64]:
    """Return the odds of each class on each photo, Z_c of its whole: (N, C)."""
    odds = []
    for photo in tqdm(photos, "calibrating", unit="photo"):
        with Image.open(photo.path) as opened:
            size = choose_input_size(*opened.size, network.config.input_area_px)
            pixels = torch.from_numpy(np.array(scale_photo(opened, size)))[None]
        with torch.inference_mode():
            maps = network.class_maps(normalise_pixels(pixels))
            odds.append(network.presence(maps)[0].double().numpy())
    return np.stack(odds)


def read_truth(photos: Sequence[Photo], names: Sequence[str]) -> tuple[Known, Known]:
    """Return which classes photos show by their labels, and where these tell: (N, C), (N, C).

    A photo of one label is taken to show no other class, except people, faces and text.
    """
    truth = np.array([[name in photo.present for name in names] for photo in photos])
    told = np.array([[name in photo.absent for name in names] for photo in photos])
    unsaid = np.isin(names, (PERSON, FACE, TEXT))
    single = np.array([[is_single(photo)] for photo in photos])
    return truth, truth | told | (single & ~unsaid)


def fit_offsets(
    odds: NDArray[np.float64], truth: Known, known: Known, weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the offset of each class's log odds with the least cross-entropy: (C,).

    Args:
        odds: (N, C), of `measure_odds`.
        truth: (N, C).
        known: (N, C); unknown ones don't count.
        weights: (N,) of the photos.
    """
    logs = np.log(odds)
    offsets = np.zeros(odds.shape[1])
    # The derivative falls with the offset: bisection.
    low, high = offsets - LARGEST_OFFSET, offsets + LARGEST_OFFSET
    for _ in range(40):
        middle = (low + high) / 2
        probabilities = 1 / (1 + np.exp(-(logs + middle)))
        slope = (weights[:, None] * known * (truth - probabilities)).sum(0)
        slope += PRIOR_PHOTOS * (1 - 2 / (1 + np.exp(-middle)))
        low, high = np.where(slope > 0, middle, low), np.where(slope > 0, high, middle)
    return np.asarray((low + high) / 2)


def calibrate_presence(network: MSROI, labelled: Sequence[Photo], scenes: Sequence[Photo]) -> None:
    """Fit each class's offset and T, in place.

    Args:
        network: its class layer's biases take up the offsets.
        labelled: photos of one label; T is chosen on those that name an object.
        scenes: photos of several objects; each counts as `SCENE_WEIGHT` others.
    """
    photos = [*labelled, *scenes]
    shift, threshold = fit_presence(measure_odds(network, photos), photos, network.config.classes)
    add_offsets(network, torch.from_numpy(shift).float())
    network.config = replace(network.config, threshold=threshold)


def fit_presence(
    odds: NDArray[np.float64], photos: Sequence[Photo], names: Sequence[str]
) -> tuple[NDArray[np.float64], float]:
    """Return each class's offset, (C,), and T.

    Args:
        odds: (N, C), of `measure_odds`.
        photos: N photos.
        names: of the classes.
    """
    truth, known = read_truth(photos, names)
    single = np.array([is_single(photo) for photo in photos])
    scene = np.array([len(photo.absent) > 2 for photo in photos])
    weights = np.where(scene, SCENE_WEIGHT, 1.0)
    offsets = fit_offsets(odds, truth, known, weights)
    calibrated = odds * np.exp(offsets)
    return offsets, choose_threshold(calibrated[single], truth[single])


@torch.no_grad()
def add_offsets(network: MSROI, offsets: Tensor) -> None:
    """Add offsets to the logarithms of the class maps: (C,)."""
    assert network.classes.bias is not None
    network.classes.bias += offsets.repeat_interleave(network.config.features_per_class)


def choose_threshold(odds: NDArray[np.float64], truth: Known) -> float:
    """Return the highest candidate with which `RIGHT_SHARE` of labels are present; else the lowest.

    Args:
        odds: (N, C) of photos of one labelled object, calibrated.
        truth: (N, C).
    """
    likeliest = (odds * truth).max(1)
    best = likeliest >= odds.max(1)  # the likeliest class is always present
    for threshold in THRESHOLDS:
        if ((likeliest > threshold) | best).mean() >= RIGHT_SHARE:
            return threshold
    return THRESHOLDS[-1]
