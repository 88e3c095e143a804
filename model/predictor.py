"""Photos in, saliency maps out: the network on its device, batched."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from model.checkpoint import SHIPPED_WEIGHTS, load_network
from model.maps import centre_weights, normalise, smoothing_matrix
from model.msroi import MSROI, normalise_pixels

STRIDE = 32
# How often the side may exceed the input's before Pillow first averages whole pixels.
REDUCING_GAP = 2.0


class Predictor:
    """The network with its weights, ready on one device.

    `prepare` may be called from several threads at once; `predict` belongs to one.
    """

    device: torch.device
    version: str  # of the weights; a part of ETags and cache keys

    def __init__(
        self,
        device: str = "auto",
        weights: Path | None = None,
        threads: int | None = None,
        *,
        centre_prior: float = 0.0,
    ) -> None:
        """Load the weights onto the device.

        Args:
            device: "cpu", "cuda", "cuda:1", …; "auto" is CUDA where there is one, else the CPU.
            weights: a file of `write_checkpoint`; the shipped one by default.
            threads: of torch on the CPU, for the whole process; torch's own choice by default.
            centre_prior: 0 to 1, how much the map leans towards the middle of the photo.

        Raises:
            RuntimeError: the device is missing; the weights are missing, damaged or don't fit.
        """
        self.device = choose_device(device)
        if threads is not None:
            torch.set_num_threads(threads)
        network, checksum = load_network(weights or SHIPPED_WEIGHTS)
        # Halves the time on a CPU.
        network.fold_batch_norm()
        # torch's own annotations leave this argument out.
        self._network: MSROI = network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._side_px = network.config.input_side_px
        self._smoothing = smoothing_matrix(self._side_px // STRIDE).to(self.device)
        self._prior = centre_weights(len(self._smoothing), centre_prior).to(self.device)
        self.version = checksum[:12]
        if centre_prior:
            self.version += f"-c{centre_prior:g}"

    def prepare(self, image: Image.Image) -> NDArray[np.uint8]:
        """Return the photo as the network takes it: (S, S, 3) uint8 RGB, aspect not kept.

        Any mode and size will do; a photo whose orientation is not applied is seen as stored.
        """
        if image.mode not in {"RGB", "L"}:
            image = image.convert("RGB")
        side = (self._side_px, self._side_px)
        # Pillow resizes without holding the interpreter's lock.
        small = image.resize(side, Image.Resampling.BILINEAR, reducing_gap=REDUCING_GAP)
        return np.asarray(small.convert("RGB"))

    def predict(self, batch: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """Return the saliency map of each prepared photo, in order.

        A map is (S/8, S/8) float32 in [0, 1] and covers exactly its photo, whatever the
        photo's shape; its maximum is 1, or everything is 0 where no class answered. It
        doesn't depend on what else is in the batch.
        """
        if not batch:
            return []
        with torch.inference_mode():
            pixels = torch.from_numpy(np.stack(batch)).to(self.device)  # (N, S, S, 3) uint8
            coarse = self._coarse_maps(normalise_pixels(pixels))  # -> (N, S/32, S/32)
            finer = self._smoothing @ coarse @ self._smoothing.T  # -> (N, S/8, S/8)
            return list(normalise(finer * self._prior).cpu().numpy())

    def _coarse_maps(self, images: Tensor) -> Tensor:
        """Return what the network sees: (N, 3, S, S) -> (N, S/32, S/32) float32."""
        if self.device.type == "cpu":
            # One at a time a photo's activations stay in the cache: faster than together.
            return torch.cat([self._network(image[None]) for image in images])
        with torch.autocast(self.device.type, torch.bfloat16):
            class_maps = self._network.class_maps(images)  # -> (N, C, D, S/32, S/32)
        # The threshold would flip classes on bfloat16's three digits.
        return self._network.saliency(class_maps.float())

    def warm_up(self, max_batch_size: int) -> None:
        """Run the smallest and the largest batch once, so that no photo waits for start-up."""
        blank = np.zeros((self._side_px, self._side_px, 3), np.uint8)
        for size in sorted({1, max_batch_size}):
            self.predict([blank] * size)


def choose_device(name: str) -> torch.device:
    """Return the device of that name, for "auto" CUDA where there is one, else the CPU.

    Raises:
        RuntimeError: there is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type not in {"cpu", "cuda"}:
        raise RuntimeError(f"device {name!r}: the network runs on 'cpu' or 'cuda'")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise RuntimeError(
            f"device {name!r}: torch {torch.__version__} finds "
            f"{torch.cuda.device_count()} CUDA devices; take 'cpu' or 'auto'"
        )
    return device
