"""A predictor for tests that need no network, and for faults of ours."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image


class CentrePredictor:
    """Finds the middle of every photo salient; fails on request."""

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
        """Return the photo's size as the network's input."""
        return np.array(image.size, dtype=np.uint16).view(np.uint8)

    def predict(self, batch: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """Return one map for each input, or raise RuntimeError."""
        widths = [int(item.view(np.uint16)[0]) for item in batch]
        if self._fails_on_width_px in widths or (self._fails_on_batches and len(batch) > 1):
            raise RuntimeError("the pass failed")
        self.batch_sizes.append(len(batch))
        saliency = np.zeros((8, 8), np.float32)
        saliency[3:5, 3:5] = 1.0
        return [saliency] * len(batch)
