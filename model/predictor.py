"""Photos in, saliency maps out: the network on its device, batched."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from model.checkpoint import SHIPPED_WEIGHTS, load_network
from model.input_size import choose_input_size, scale_photo
from model.maps import normalise, smoothing_matrix
from model.msroi import MSROI, normalise_pixels

# Landscape as most cameras take it, width to height.
USUAL_ASPECT = (3, 2)
# Of CPUs, by torch's names. Measured with either: half of float32's time or less.
BFLOAT16_CAPABILITIES = ("amx_bf16", "avx512_bf16")


class Predictor:
    """The network with its weights, ready on one device.

    `prepare` may be called from several threads at once, also while `predict` runs; so may
    `predict` where ``side_by_side`` says so, on a CPU: one photo on each core takes less of all
    cores than one photo on all of them. Elsewhere it belongs to one thread.

    Up to the class maps it computes in bfloat16 where the device has instructions for that (CUDA,
    and CPUs with AMX or AVX512_BF16), else in float32; docs/model-card.md says how far their maps
    differ.
    """

    device: torch.device
    precision: torch.dtype  # of the convolutions
    version: str  # of the weights; a part of ETags and cache keys

    def __init__(
        self,
        device: str = "auto",
        weights: Path | None = None,
        threads: int | None = None,
        precision: torch.dtype | None = None,
    ) -> None:
        """Load the weights onto the device.

        Args:
            device: "cpu", "cuda", "cuda:1", …; "auto" is CUDA where there is one, else the CPU.
            weights: a file of `write_checkpoint`; the shipped one by default.
            threads: of torch on the CPU, for the whole process; torch's own choice by default.
            precision: torch.float32 or torch.bfloat16; what is fastest by default.

        Raises:
            RuntimeError: the device is missing; the weights are missing, damaged or don't fit.
        """
        self.device = choose_device(device)
        self.precision = precision or choose_precision(self.device)
        if threads is not None:
            torch.set_num_threads(threads)
        network, checksum = load_network(weights or SHIPPED_WEIGHTS)
        network.convolve_in(self.precision)
        if self.device.type == "cpu":
            network.fuse()
        # torch's own annotations leave this argument out.
        self._network: MSROI = network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._smoothing: dict[int, Tensor] = {}
        self.version = checksum[:12]

    def prepare(self, image: Image.Image) -> NDArray[np.uint8]:
        """Return the whole photo as the network takes it: (H, W, 3) uint8 RGB.

        H and W are those of `choose_input_size`, so the aspect is nearly kept. Any mode and
        size will do; a photo whose orientation is not applied is seen as stored.
        """
        area_px = self._network.config.input_area_px
        return np.asarray(scale_photo(image, choose_input_size(*image.size, area_px)))

    @property
    def side_by_side(self) -> bool:
        """Whether photos go through the network each by itself, on as many threads as one likes."""
        return self.device.type == "cpu"

    def predict(
        self, batch: Sequence[NDArray[np.uint8]], threads: int | None = None
    ) -> list[NDArray[np.float32]]:
        """Return the saliency map of each prepared photo, in order.

        ``threads`` are torch's on the CPU, for this call; those it has by default. A map of an
        (H, W, 3) photo is (H/8, W/8) float32 in [0, 1] and covers exactly its photo; its maximum
        is 1, or everything is 0 where no class answered. It doesn't depend on what else is in the
        batch, on CUDA but for rounding, nor but for rounding on ``threads``.
        """
        if not batch:
            return []
        # Setting it drops what torch has prepared for this thread, so not when it is so already.
        if threads is not None and torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        if self.device.type == "cpu":
            # One at a time a photo's activations stay in the cache: faster than together.
            passes = [[index] for index in range(len(batch))]
        else:
            passes = group_by_shape(batch)
        drawn: dict[int, Tensor] = {}
        with torch.inference_mode():
            for indices in passes:
                maps = self._draw([batch[index] for index in indices])  # (n, H/8, W/8)
                drawn.update(zip(indices, maps, strict=True))
            in_order = [drawn[index] for index in range(len(batch))]
            # A copy for each pass would wait for it before the next one is under way.
            flat = torch.cat([saliency.flatten() for saliency in in_order]).cpu().numpy()
        ends = np.cumsum([saliency.numel() for saliency in in_order])
        return [
            part.reshape(saliency.shape)
            for part, saliency in zip(np.split(flat, ends[:-1]), in_order, strict=True)
        ]

    def _draw(self, photos: Sequence[NDArray[np.uint8]]) -> Tensor:
        """Return the maps of photos of one shape, on the device: (N, H/8, W/8) float32."""
        pixels = normalise_pixels(self._upload(photos))  # -> (N, 3, H, W)
        class_maps = self._network.class_maps(pixels)  # -> (N, C, D, H/8, W/8)
        saliency = self._network.saliency(class_maps)  # -> (N, H/8, W/8)
        height, width = saliency.shape[1:]
        return normalise(self._smooth(height) @ saliency @ self._smooth(width).T)

    def _upload(self, photos: Sequence[NDArray[np.uint8]]) -> Tensor:
        """Return the photos together, on the device: (N, H, W, 3) uint8."""
        on_cuda = self.device.type == "cuda"
        # Only from pinned memory does a copy run beside what the device is at.
        pixels = torch.empty((len(photos), *photos[0].shape), dtype=torch.uint8, pin_memory=on_cuda)
        np.stack(photos, out=pixels.numpy())
        return pixels.to(self.device, non_blocking=on_cuda)

    def _smooth(self, samples: int) -> Tensor:
        """Return the smoothing matrix of an axis, on the device; there are few sizes."""
        if samples not in self._smoothing:
            matrix = smoothing_matrix(samples, self._network.config.smoothing_cells)
            self._smoothing[samples] = matrix.to(self.device)
        return self._smoothing[samples]

    def warm_up(self, max_batch_size: int) -> None:
        """Run the smallest and the largest batch once, so that no photo waits for start-up.

        Only in the most usual shape, there are a hundred others. On a CPU one photo is enough,
        because each goes through the network singly.
        """
        blank = self.prepare(Image.new("RGB", USUAL_ASPECT))
        for size in sorted({1} if self.side_by_side else {1, max_batch_size}):
            self.predict([blank] * size)


def group_by_shape(batch: Sequence[NDArray[np.uint8]]) -> list[list[int]]:
    """Return the indices of the items of each shape, in order of first appearance."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, item in enumerate(batch):
        groups.setdefault(item.shape, []).append(index)
    return list(groups.values())


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


def choose_precision(device: torch.device) -> torch.dtype:
    """Return bfloat16 where the device has instructions that multiply it, else float32."""
    if device.type == "cuda":
        return torch.bfloat16
    capabilities = torch.cpu.get_capabilities()
    has_instructions = any(capabilities.get(name, False) for name in BFLOAT16_CAPABILITIES)
    return torch.bfloat16 if has_instructions else torch.float32
