"""A predictor for tests that need no network, and for faults of ours."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.prediction import Prediction


class CentrePredictor:
    """Finds the middle of every photo salient, and of the class "middle"; fails on request."""

    version = "centre"

    def __init__(
        self,
        *,
        fails_on_batches: bool = False,
        fails_on_width_px: int = -1,
        side_by_side: bool = False,
    ) -> None:
        self.batch_sizes: list[int] = []
        self.side_by_side = side_by_side
        self._fails_on_batches = fails_on_batches
        self._fails_on_width_px = fails_on_width_px

    def input_size(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Return the photo's own size."""
        return height_px, width_px

    def device_memory_bytes(self) -> int:
        """Return 0, as on a CPU."""
        return 0

    def prepare(self, image: Image.Image) -> NDArray[np.uint8]:
        """Return the photo as the network's input, at most 256 pixels wide and high."""
        width, height = image.size
        small = image.resize((min(width, 256), min(height, 256)), Image.Resampling.NEAREST)
        return np.asarray(small.convert("RGB"))

    def predict(self, batch: Sequence[NDArray[np.uint8]]) -> list[Prediction]:
        """Return one prediction for each input, or raise RuntimeError."""
        widths = [item.shape[1] for item in batch]
        if self._fails_on_width_px in widths or (self._fails_on_batches and len(batch) > 1):
            raise RuntimeError("the pass failed")
        self.batch_sizes.append(len(batch))
        saliency = np.zeros((8, 8), np.float32)
        saliency[3:5, 3:5] = 1.0
        present = np.array([0.75], np.float32)
        # Finer, so that smoothing moves its edges little.
        class_maps = np.kron(saliency, np.ones((10, 10), np.float32))[None] / saliency.mean()
        return [Prediction(saliency, ("middle",), present, class_maps)] * len(batch)
