"""The predictor in torch: for CUDA, and in float32 on a CPU the reference of others."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from model.checkpoint import load_network
from model.config import MAP_STRIDE
from model.input_size import choose_input_size, scale_photo
from model.maps import normalise, smoothing_matrix
from model.msroi import MSROI, normalise_pixels
from model.prediction import (
    CELLS,
    LEAST_PROBABILITY,
    MAX_CLASSES,
    Prediction,
    describe,
    find_probabilities,
)
from model.predictor import USUAL_ASPECT
from model.weights_file import SHIPPED_WEIGHTS

# Torch's names of CPU features. With either, a pass takes half of float32's time or less.
BFLOAT16_CAPABILITIES = ("amx_bf16", "avx512_bf16")


class TorchPredictor:
    """The network with its weights, ready on one device.

    Several threads may call `prepare` at the same time, also while `predict` runs. Where
    ``side_by_side`` is set, which is on a CPU, several threads may call `predict` as well: one photo
    on each core takes less CPU time than one photo on all cores. Elsewhere only one thread may.

    Class maps are computed in bfloat16 where the device has instructions for it (CUDA, and CPUs
    with AMX or AVX512_BF16), else in float32. docs/model-card.md has the difference of the maps.
    """

    device: torch.device
    precision: torch.dtype  # of the convolutions
    version: str
    arithmetic: str

    def __init__(
        self,
        device: str = "auto",
        weights: Path | None = None,
        threads: int | None = None,
        precision: torch.dtype | None = None,
    ) -> None:
        """Load the weights onto the device.

        Args:
            device: "cpu", "cuda", "cuda:1", …; "auto" is CUDA if there is a device, else the CPU.
            weights: a file of `write_checkpoint`; the shipped one by default.
            threads: of torch on the CPU, for the whole process; torch's own choice by default.
            precision: torch.float32 or torch.bfloat16; the faster one by default.

        Raises:
            RuntimeError: the device is missing, or the weights are missing, damaged or of another
                version of the network.
        """
        self.device = choose_device(device)
        self.precision = precision or choose_precision(self.device)
        self.arithmetic = f"{self.device.type} {self.precision}".replace("torch.", "")
        if threads is not None:
            torch.set_num_threads(threads)
        network, checksum = load_network(weights or SHIPPED_WEIGHTS)
        network.convert_convolutions(self.precision)
        if self.device.type == "cpu":
            network.fuse_activations()
        # torch's own annotations leave this argument out.
        self._network: MSROI = network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._smoothing: dict[int, Tensor] = {}  # by the samples of an axis
        self.version = checksum[:12]

    def input_size(self, width_px: int, height_px: int) -> tuple[int, int]:
        """Return the (height, width) in pixels to which `prepare` scales a photo of this size."""
        return choose_input_size(width_px, height_px, self._network.config.input_area_px)

    def device_memory_bytes(self) -> int:
        """As ``model.predictor.Predictor`` says."""
        return torch.cuda.memory_reserved(self.device) if self.device.type == "cuda" else 0

    def prepare(self, image: Image.Image) -> NDArray[np.uint8]:
        """Return the whole photo at the network's input size: (H, W, 3) uint8 RGB."""
        return np.asarray(scale_photo(image, self.input_size(*image.size)))

    @property
    def side_by_side(self) -> bool:
        """Whether several threads may call `predict` at the same time, each with its own photos."""
        return self.device.type == "cpu"

    def predict(self, batch: Sequence[NDArray[np.uint8]]) -> list[Prediction]:
        """Return the saliency map and the classes of each prepared photo, in order."""
        if not batch:
            return []
        if self.device.type == "cpu":
            # One photo at a time is faster: its activations stay in the CPU's cache.
            passes = [[index] for index in range(len(batch))]
        else:
            passes = group_by_shape(batch)
        outputs: dict[int, Tensor] = {}
        with torch.inference_mode():
            for indices in passes:
                packed = self._run([batch[index] for index in indices])  # (n, values)
                outputs.update(zip(indices, packed, strict=True))
            in_order = [outputs[index] for index in range(len(batch))]
            # One copy for all passes: a copy after each would block before the next pass starts.
            flat = torch.cat(in_order).cpu().numpy()
        ends = np.cumsum([values.numel() for values in in_order])
        return [
            self._unpack(values, (photo.shape[0] // MAP_STRIDE, photo.shape[1] // MAP_STRIDE))
            for values, photo in zip(np.split(flat, ends[:-1]), batch, strict=True)
        ]

    def _run(self, photos: Sequence[NDArray[np.uint8]]) -> Tensor:
        """Return what `_unpack` reads of photos of one shape, on the device: (N, values).

        These are evidence and index of the k most probable classes, (k,) each, the map before scaling,
        (h, w), and the evidence for each of these classes at each place, (k, h/2, w/2).
        """
        pixels = normalise_pixels(self._upload(photos))  # -> (N, 3, H, W)
        class_maps, gaze = self._network.evidence(pixels)  # -> (N, C, D, h, w), (N, h, w)
        saliency = self._network.saliency(class_maps, gaze)  # -> (N, h, w)
        height, width = saliency.shape[1:]
        smooth = self._smoothing_of(height) @ saliency @ self._smoothing_of(width).T
        presence = self._network.presence(class_maps)  # -> (N, C)
        best = presence.topk(min(MAX_CLASSES, presence.shape[1]))
        rows = torch.arange(len(photos), device=best.indices.device)[:, None]
        evidence = class_maps[rows, best.indices].sum(2)  # (N, k, D, h, w) -> (N, k, h, w)
        evidence = functional.avg_pool2d(evidence, CELLS)  # -> (N, k, h/2, w/2)
        # A float32 holds an index exactly.
        parts = (best.values, best.indices.float(), smooth.flatten(1), evidence.flatten(1))
        return torch.cat(parts, 1)

    def _unpack(self, values: NDArray[np.float32], shape: tuple[int, int]) -> Prediction:
        """Return the prediction for one photo, whose map has this shape, from a row of `_run`."""
        names = self._network.config.classes
        best = min(MAX_CLASSES, len(names))
        height, width = shape
        parts = np.split(values, np.cumsum((best, best, height * width)))
        presence, indices, saliency, evidence = parts
        probabilities = find_probabilities(presence)
        count = int((probabilities >= LEAST_PROBABILITY).sum())
        return describe(
            normalise(saliency.reshape(shape)),
            tuple(names[int(index)] for index in indices[:count]),
            probabilities[:count],
            evidence.reshape(best, height // CELLS, width // CELLS)[:count],
        )

    def _upload(self, photos: Sequence[NDArray[np.uint8]]) -> Tensor:
        """Return the photos as one tensor on the device: (N, H, W, 3) uint8."""
        on_cuda = self.device.type == "cuda"
        # Copies from pinned memory run while the device computes.
        pixels = torch.empty((len(photos), *photos[0].shape), dtype=torch.uint8, pin_memory=on_cuda)
        np.stack(photos, out=pixels.numpy())
        return pixels.to(self.device, non_blocking=on_cuda)

    def _smoothing_of(self, samples: int) -> Tensor:
        """Return the smoothing matrix of an axis, on the device; kept, as there are few sizes."""
        if samples not in self._smoothing:
            matrix = smoothing_matrix(samples, self._network.config.smoothing_cells)
            self._smoothing[samples] = torch.from_numpy(matrix).to(self.device)
        return self._smoothing[samples]

    def warm_up(self, max_batch_size: int) -> None:
        """Run the smallest and the largest batch once, so that no photo waits for start-up.

        Only with the most common shape; there are a hundred others. On a CPU one photo is enough,
        because each goes through the network alone.
        """
        blank = self.prepare(Image.new("RGB", USUAL_ASPECT))
        for size in sorted({1} if self.side_by_side else {1, max_batch_size}):
            self.predict([blank] * size)


def group_by_shape(batch: Sequence[NDArray[np.uint8]]) -> list[list[int]]:
    """Return the indices of the photos of each shape, in order of first appearance."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, photo in enumerate(batch):
        groups.setdefault(photo.shape, []).append(index)
    return list(groups.values())


def choose_device(name: str) -> torch.device:
    """Return the device of that name; "auto" is CUDA if there is a device, else the CPU.

    Raises:
        RuntimeError: this machine lacks the device, or the network does not run on its type.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type not in {"cpu", "cuda"}:
        raise RuntimeError(f"device {name!r}: the network runs on 'cpu' or 'cuda'")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise RuntimeError(
            f"device {name!r}: torch {torch.__version__} finds "
            f"{torch.cuda.device_count()} CUDA devices; use 'cpu' or 'auto'"
        )
    return device


def choose_precision(device: torch.device) -> torch.dtype:
    """Return bfloat16 if the device has instructions that multiply it, else float32."""
    if device.type == "cuda":
        return torch.bfloat16
    capabilities = torch.cpu.get_capabilities()
    has_instructions = any(capabilities.get(name, False) for name in BFLOAT16_CAPABILITIES)
    return torch.bfloat16 if has_instructions else torch.float32
