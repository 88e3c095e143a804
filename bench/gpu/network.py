"""Images/s of the network on a CUDA device: in the predictor, bare, and compiled."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.gpu.stages import (
    decode,
    measure_images_per_s,
    measure_or_describe_error,
    prepare_prediction,
)
from model.checkpoint import load_network
from model.msroi import normalise_pixels
from model.torch_predictor import TorchPredictor

# Estimated upper limit of the compile time for one input shape, by mode.
COMPILE_S: Final = {"reduce-overhead": 60.0, "max-autotune": 150.0}


def measure_networks(
    photos: list[bytes],
    batch_sizes: Sequence[int],
    *,
    seconds: float,
) -> dict[str, Any]:
    """Return images/s by name and batch size, or the error of a failed measurement.

    "predictor" is `TorchPredictor.predict` with its copies to and from the device. "network" is the bare
    pass on pixels that are already on the device.
    """
    predictor = TorchPredictor("cuda")
    inputs = [predictor.prepare(decode(data)) for data in photos]
    pixels = torch.from_numpy(np.stack(inputs)).cuda()
    run = make_pass()
    works: dict[str, Callable[[int], float]] = {
        "predictor": lambda size: time_predictor(predictor, inputs, size, seconds),
        "network": lambda size: time_network(run, pixels, size, seconds),
    }
    return {
        name: {str(size): measure_or_describe_error(partial(work, size)) for size in batch_sizes}
        for name, work in works.items()
    }


def measure_compiled(
    photos: list[bytes], batch_size: int, left_s: Callable[[], float], *, seconds: float
) -> dict[str, Any]:
    """Return images/s of the bare pass by mode of torch's compiler, which takes minutes.

    ``left_s`` returns the seconds that are left; a mode that needs more is not measured.
    """
    predictor = TorchPredictor("cuda")
    inputs = [predictor.prepare(decode(data)) for data in photos]
    pixels = torch.from_numpy(np.stack(inputs)).cuda()
    run, found = make_pass(), dict[str, Any]()
    for mode, needed_s in COMPILE_S.items():
        if left_s() < needed_s:
            found[mode] = "not measured: no time left"
            continue
        variant = torch.compile(run, mode=mode, dynamic=False)
        found[mode] = measure_or_describe_error(
            partial(time_network, variant, pixels, batch_size, seconds)
        )
    return found


def make_pass() -> Callable[[Tensor], Tensor]:
    """Return the network's pass on pixels (N, H, W, 3) uint8 of the device."""
    network, _ = load_network()
    network.convert_convolutions(torch.bfloat16)
    # torch's own annotations leave this argument out.
    network = network.to("cuda", memory_format=torch.channels_last)  # type: ignore[call-overload]

    def run(pixels: Tensor) -> Tensor:
        saliency: Tensor = network.saliency(network.class_maps(normalise_pixels(pixels)))
        return saliency

    return run


def time_network(
    variant: Callable[[Tensor], Tensor], pixels: Tensor, size: int, seconds: float
) -> float:
    """Return images/s of a variant on a batch of ``size`` photos of ``pixels`` (n, H, W, 3)."""
    batch = pixels[torch.arange(size, device=pixels.device) % len(pixels)]

    def work() -> int:
        with torch.inference_mode():
            for _ in range(10):
                variant(batch)
        torch.cuda.synchronize()
        return 10 * size

    return measure_images_per_s(work, seconds)


def time_predictor(
    predictor: TorchPredictor, inputs: Sequence[NDArray[np.uint8]], size: int, seconds: float
) -> float:
    """Return images/s of a predictor in batches of ``size``."""
    return measure_images_per_s(prepare_prediction(predictor, inputs, size), seconds)
