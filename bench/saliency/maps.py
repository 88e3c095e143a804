"""All measured maps, each predicted from the same decoded photo on the CPU."""

import sys
import tempfile
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch
from PIL import Image

from bench.metrics.gaze import Map
from bench.saliency.baselines import ClassActivation, load_attention_center
from model import Predictor
from model.checkpoint import read_checkpoint, write_checkpoint
from model.maps import centre_gaussian
from model.onnx_predictor import OnnxPredictor
from model.torch_predictor import TorchPredictor
from model.weights_file import SHIPPED_INT8_WEIGHTS, SHIPPED_WEAK_WEIGHTS, SHIPPED_WEIGHTS

MapFunction = Callable[[Image.Image], Map]  # RGB photo -> map, of any size

OURS: Final = ("foveate", "foveate_int8", "foveate_weak")
# Without the test of presence: T = 0. The map of the other weights does not depend on it.
UNTESTED: Final = "foveate_weak_t0"
MAPS: Final = (*OURS, UNTESTED, "cam", "cam_top5", "centre")
ATTENTION_CENTER_MAP: Final = "attention_center"


def load_predictors() -> dict[str, Predictor]:
    """Return Foveate's networks by the name of their map.

    They always run on the CPU, in torch's float32 or in the service's int8, so that results of
    different machines can be compared.
    """
    predictors: dict[str, Predictor] = {
        "foveate": TorchPredictor("cpu", SHIPPED_WEIGHTS, precision=torch.float32),
        "foveate_int8": OnnxPredictor(SHIPPED_INT8_WEIGHTS),
        "foveate_weak": TorchPredictor("cpu", SHIPPED_WEAK_WEIGHTS, precision=torch.float32),
    }
    config, state, _ = read_checkpoint(SHIPPED_WEAK_WEIGHTS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / SHIPPED_WEAK_WEIGHTS.name
        write_checkpoint(path, replace(config, threshold=0.0), state)
        predictors[UNTESTED] = TorchPredictor("cpu", path, precision=torch.float32)
    return predictors


def collect_map_functions(
    predictors: Mapping[str, Predictor], attention_center: Path, names: Collection[str]
) -> dict[str, MapFunction]:
    """Return the function of each named map; a missing rival is left out with a message."""
    map_functions = {name: draw_with(predictor) for name, predictor in predictors.items()}
    activation, prepare = ClassActivation(), predictors["foveate"].prepare
    map_functions["cam"] = lambda photo: activation.draw(prepare(photo), 1)
    map_functions["cam_top5"] = lambda photo: activation.draw(prepare(photo), 5)
    map_functions["centre"] = lambda photo: centre_gaussian(photo.height, photo.width)
    map_functions = {name: draw for name, draw in map_functions.items() if name in names}
    if ATTENTION_CENTER_MAP in names:
        rival, reason = load_attention_center(attention_center, torch.get_num_threads())
        if rival is None:
            print(f"bench saliency: attention_center is left out: {reason}", file=sys.stderr)
        else:
            map_functions[ATTENTION_CENTER_MAP] = rival
    for draw in map_functions.values():  # warm up
        draw(Image.new("RGB", (64, 64)))
    return map_functions


def draw_with(predictor: Predictor) -> MapFunction:
    """Return the function that predicts a photo's map with a network."""
    return lambda photo: predictor.predict([predictor.prepare(photo)])[0].saliency


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
