"""Boxes of class activation maps: Zhou et al., CVPR 2016, section 3.2.

The classifier is the published one that the network's backbone is taken from.
"""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from bench.regions.labels import Classes
from model.config import MAP_STRIDE
from model.msroi import normalise_pixels
from model.training.classifier import Classifier, load_classifier
from worker.image.regions import Box, Region, find_parts

# As in the paper: the largest part of the map above a fifth of its highest value.
LEAST_SHARE: Final = 0.2
# A class is present if its synsets together have this probability. On the half of COCO for learning it
# is the one with the most objects found of those with at most 40 % of boxes on nothing.
LEAST_PROBABILITY: Final = 0.11


class ClassActivation:
    """Finds a box for each of our classes that the classifier finds present."""

    def __init__(self, classes: Classes) -> None:
        """Load the classifier on the CPU."""
        self._members = {name: sorted(synsets) for name, synsets in classes.synsets.items()}
        # torch's own annotations leave this argument out.
        self._classifier: Classifier = load_classifier().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def find_regions(self, pixels: NDArray[np.uint8]) -> list[Region]:
        """Return a region for each present class; ``pixels`` is the input of Foveate's network."""
        with torch.inference_mode():
            images = normalise_pixels(torch.from_numpy(pixels[None].copy()))
            maps = self._classifier.class_maps(images)[0]  # -> (1000, H/32, W/32)
            probabilities = maps.mean((1, 2)).softmax(0)
        regions = []
        for name, members in self._members.items():
            probability = float(probabilities[members].sum())
            if probability < LEAST_PROBABILITY:
                continue
            best = max(members, key=lambda member: float(probabilities[member]))
            size = (pixels.shape[0] // MAP_STRIDE, pixels.shape[1] // MAP_STRIDE)
            finer = functional.interpolate(maps[None, best : best + 1], size, mode="bilinear")
            regions.append(Region(name, probability, find_box(finer[0, 0].numpy()), probability))
        return regions


def find_box(activation: NDArray[np.float32]) -> Box:
    """Return the box of the largest part of a map; the whole picture if the map is negative."""
    rows, columns = activation.shape
    peak = float(activation.max())
    if peak <= 0:
        return Box(0.0, 0.0, 1.0, 1.0)
    parts = find_parts(activation, np.zeros(activation.shape), LEAST_SHARE * peak)
    largest = max(parts, key=lambda part: part.cells)
    return Box(
        largest.left / columns, largest.top / rows, largest.right / columns, largest.bottom / rows
    )
