"""All measured maps, each predicted from the same decoded photo on the CPU."""

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

MapFunction = Callable[[Image.Image], Map]  # RGB photo -> map, of any size

WEIGHTS: Final = {"foveate": SHIPPED_WEIGHTS, "foveate_weak": SHIPPED_WEAK_WEIGHTS}
MAPS: Final = (*WEIGHTS, "cam", "cam_top5", "centre")


def load_predictors() -> dict[str, Predictor]:
    """Return Foveate's networks by the name of their map.

    They always run on the CPU, so that results of different machines can be compared.
    """
    return {name: Predictor("cpu", weights) for name, weights in WEIGHTS.items()}


def collect_map_functions(
    predictors: Mapping[str, Predictor], attention_center: Path
) -> dict[str, MapFunction]:
    """Return the function of each map; a missing rival is left out with a message."""
    map_functions = {name: draw_with(predictor) for name, predictor in predictors.items()}
    activation, prepare = ClassActivation(), predictors["foveate"].prepare
    map_functions["cam"] = lambda photo: activation.draw(prepare(photo), 1)
    map_functions["cam_top5"] = lambda photo: activation.draw(prepare(photo), 5)
    map_functions["centre"] = lambda photo: centre_gaussian(photo.height, photo.width).numpy()
    rival, reason = load_attention_center(attention_center, torch.get_num_threads())
    if rival is None:
        print(f"bench saliency: attention_center is left out: {reason}", file=sys.stderr)
    else:
        map_functions["attention_center"] = rival
    for draw in map_functions.values():  # warm up
        draw(Image.new("RGB", (64, 64)))
    return map_functions


def draw_with(predictor: Predictor) -> MapFunction:
    """Return the function that predicts a photo's map with a network."""
    return lambda photo: predictor.predict([predictor.prepare(photo)])[0]


def draw_maps(
    photo: Image.Image, map_functions: Mapping[str, MapFunction]
) -> dict[str, tuple[Map, float]]:
    """Return each map of an RGB photo and its milliseconds, without decoding.

    The faster of two passes counts: the first one fills caches.
    """
    drawn = {}
    for name, draw in map_functions.items():
        started_s = time.perf_counter()
        saliency = draw(photo)
        between_s = time.perf_counter()
        draw(photo)
        elapsed_s = min(between_s - started_s, time.perf_counter() - between_s)
        drawn[name] = (saliency, round(elapsed_s * 1000, 1))
    return drawn
