"""All maps that are measured, each predicted from the same decoded photo on the CPU."""

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import torch
from PIL import Image

from bench.metrics.gaze import Map
from bench.saliency.baselines import ClassActivation, load_attention_center
from model import Predictor
from model.checkpoint import SHIPPED_WEAK_WEIGHTS, SHIPPED_WEIGHTS
from model.maps import centre_gaussian

Drawing = Callable[[Image.Image], Map]  # an RGB photo to its map, of any size

WEIGHTS: Final = {"foveate": SHIPPED_WEIGHTS, "foveate_weak": SHIPPED_WEAK_WEIGHTS}
MAPS: Final = (*WEIGHTS, "cam", "cam_top5", "centre")


def load_predictors() -> dict[str, Predictor]:
    """Return our networks by the name of their map.

    They run on the CPU even if there is a GPU, so that results can be compared.
    """
    return {name: Predictor("cpu", weights) for name, weights in WEIGHTS.items()}


def collect_drawings(
    predictors: Mapping[str, Predictor], attention_center: Path
) -> dict[str, Drawing]:
    """Return the function of each map; a rival that is missing is left out with a message."""
    drawings = {name: draw_with(predictor) for name, predictor in predictors.items()}
    activation, prepare = ClassActivation(), predictors["foveate"].prepare
    drawings["cam"] = lambda photo: activation.draw(prepare(photo), 1)
    drawings["cam_top5"] = lambda photo: activation.draw(prepare(photo), 5)
    drawings["centre"] = lambda photo: centre_gaussian(photo.height, photo.width).numpy()
    rival, reason = load_attention_center(attention_center, torch.get_num_threads())
    if rival is None:
        print(f"bench saliency: attention_center is left out: {reason}", file=sys.stderr)
    else:
        drawings["attention_center"] = rival
    for draw in drawings.values():  # warm up
        draw(Image.new("RGB", (64, 64)))
    return drawings


def draw_with(predictor: Predictor) -> Drawing:
    """Return the function that predicts one photo with one of our networks."""
    return lambda photo: predictor.predict([predictor.prepare(photo)])[0]


def draw_maps(photo: Image.Image, drawings: Mapping[str, Drawing]) -> dict[str, tuple[Map, float]]:
    """Return each map of an RGB photo and its milliseconds, from the decoded photo on.

    The faster of two passes counts, since the first one fills caches.
    """
    drawn = {}
    for name, draw in drawings.items():
        started_s = time.perf_counter()
        saliency = draw(photo)
        between_s = time.perf_counter()
        draw(photo)
        elapsed_s = min(between_s - started_s, time.perf_counter() - between_s)
        drawn[name] = (saliency, round(elapsed_s * 1000, 1))
    return drawn
