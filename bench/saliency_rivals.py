"""Other maps to measure ours against: class activation maps, and Google's attention-center.

CAM: Zhou et al., CVPR 2016. attention-center: github.com/google/attention-center, Apache-2.0,
trained on recorded gaze (SALICON).
"""

import importlib
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from bench.saliency_metrics import Map
from model import MSROI
from model.maps import smoothing_matrix
from model.msroi import normalise_pixels

LITERT: Final = "ai-edge-litert"


def class_activation_maps(network: MSROI, pixels: NDArray[np.uint8]) -> dict[str, Map]:
    """Return the maps of the best class and of the best five, drawn as finely as ours."""
    with torch.inference_mode():
        class_maps = network.class_maps(normalise_pixels(torch.from_numpy(pixels[None].copy())))
        best = network.presence(class_maps)[0].topk(5).indices
        evidence = class_maps[0, best].relu().sum(1)  # (1, C, D, h, w) -> (5, h, w)
        finer = smoothing_matrix(evidence.shape[1])
        drawn = finer @ evidence @ finer.T  # -> (5, 4h, 4w)
    return {"cam": drawn[0].numpy(), "cam_top5": drawn.sum(0).numpy()}


class AttentionCenter:
    """The network of a .tflite file whose output is the sum of its four saliency logits."""

    def __init__(self, path: Path, threads: int) -> None:
        """Load the file.

        Raises:
            ModuleNotFoundError: the package `LITERT` is not installed.
            ValueError: the file is missing or no such network.
        """
        litert = importlib.import_module("ai_edge_litert.interpreter")
        self._interpreter = litert.Interpreter(str(path), num_threads=threads)
        self._interpreter.allocate_tensors()
        # The other input, a file name, is left empty: the map doesn't depend on it.
        inputs = self._interpreter.get_input_details()
        pictures = [given for given in inputs if given["dtype"] is np.float32]
        if len(pictures) != 1 or len(pictures[0]["shape"]) != 4:
            raise ValueError(f"{path.name} takes no picture")
        self._input: dict[str, Any] = pictures[0]
        self._output: dict[str, Any] = self._interpreter.get_output_details()[0]

    def __call__(self, photo: Image.Image) -> Map:
        """Return the map of an RGB photo, (480, 640) in (0, 1)."""
        _, height, width, _ = self._input["shape"]
        resized = photo.resize((int(width), int(height)), Image.Resampling.BILINEAR)
        self._interpreter.set_tensor(self._input["index"], np.asarray(resized, np.float32)[None])
        self._interpreter.invoke()
        logits = self._interpreter.get_tensor(self._output["index"])[0, :, :, 0]
        return probability(logits)


def probability(logits: NDArray[np.float32]) -> Map:
    """Return their sigmoid, which the network itself weights positions with.

    NSS, CC, KL and SIM of bare logits would be no fair account of it: on 12 photos of OSIE
    their NSS is 1.50 instead of 2.10.
    """
    odds = np.exp(-np.abs(logits.astype(np.float64)))
    shown: Map = (np.where(logits < 0, odds, 1.0) / (1 + odds)).astype(np.float32)
    return shown


def load_attention_center(path: Path | None, threads: int) -> tuple[AttentionCenter | None, str]:
    """Return the rival and "", or None and why it is left out."""
    if path is None:
        return None, "no --attention-center FILE"
    try:
        return AttentionCenter(path, threads), ""
    except ModuleNotFoundError:
        return None, f"{LITERT} is not installed"
    except (ValueError, RuntimeError) as error:
        return None, f"{path.name} can't be used ({type(error).__name__})"
