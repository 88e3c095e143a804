"""The teacher for text: the text detector of PP-OCR, from the PyPI package rapidocr-onnxruntime.

Liao et al., "Real-time scene text detection with differentiable binarization", AAAI 2020, arXiv
1911.08947. The package (Apache-2.0) carries the network; nothing else of it is used.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from PIL import Image

PACKAGE: Final = "rapidocr_onnxruntime"
# Longest side of its input, and what both sides are a multiple of, in pixels.
SIDE_PX, STRIDE_PX = 384, 32
# From here on a pixel belongs to text.
MIN_PROBABILITY: Final = 0.5


class TextDetector:
    """The network, ready on the CPU."""

    def __init__(self, threads: int = 1) -> None:
        """Load the network of the installed package.

        Raises:
            RuntimeError: the package is not installed, or has no detector.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._session = onnxruntime.InferenceSession(
            str(locate_network()), options, providers=["CPUExecutionProvider"]
        )
        self._input = self._session.get_inputs()[0].name

    def find(self, image: Image.Image) -> NDArray[np.bool_]:
        """Return which pixels of an RGB photo belong to text: (h, w), at about `SIDE_PX`."""
        scale = SIDE_PX / max(image.size)
        width, height = (max(round(side * scale / STRIDE_PX), 1) * STRIDE_PX for side in image.size)
        pixels = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR), np.float32)
        planes = (pixels[None, ..., ::-1] / 127.5 - 1).transpose(0, 3, 1, 2)  # blue first
        (probabilities,) = self._session.run(None, {self._input: np.ascontiguousarray(planes)})
        found: NDArray[np.bool_] = probabilities[0, 0] >= MIN_PROBABILITY
        return found


def locate_network() -> Path:
    """Return the detector's file in the installed package.

    Raises:
        RuntimeError: the package is not installed, or has no detector.
    """
    spec = find_spec(PACKAGE)  # importing the package would need OpenCV
    folders = (spec.submodule_search_locations or []) if spec else []
    for folder in folders:
        for path in sorted(Path(folder).glob("models/*det*.onnx")):
            return path
    raise RuntimeError(f"{PACKAGE} is not installed: no teacher for text")


def pool_cells(text: NDArray[np.bool_], side: int) -> NDArray[np.uint8]:
    """Return the share of text in each of side × side cells, 255 is all: (h, w) -> (side, side)."""
    image = Image.fromarray(text.astype(np.uint8) * 255)
    return np.asarray(image.resize((side, side), Image.Resampling.BOX))
