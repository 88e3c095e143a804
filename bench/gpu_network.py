"""Images/s of the network on a CUDA device, run in several ways: which of them pays."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.gpu_stages import attempt, decode, images_per_s, predict_of
from model import Predictor
from model.checkpoint import load_network
from model.graphs import GraphedPass
from model.msroi import normalise_pixels

# What torch's compiler takes at most for one shape, by mode; a guess.
COMPILE_S: Final = {"reduce-overhead": 60.0, "max-autotune": 150.0}


def measure_networks(
    photos: list[bytes],
    batch_sizes: Sequence[int],
    *,
    seconds: float,
) -> dict[str, Any]:
    """Return images/s by variant and batch size; in its place the error of a variant that fails.

    "predictor" is `Predictor.predict` with its copies, "network" the bare pass on pixels that are on
    the device.
    """
    predictors = {"eager": Predictor("cuda"), "graphs": Predictor("cuda", graphs=True)}
    inputs = [predictors["eager"].prepare(decode(data)) for data in photos]
    pixels = torch.from_numpy(np.stack(inputs)).cuda()
    found: dict[str, Any] = {}
    for name, predictor in predictors.items():
        found[f"predictor, {name}"] = {
            str(size): attempt(partial(time_predictor, predictor, inputs, size, seconds))
            for size in batch_sizes
        }
    run = make_pass()
    variants: dict[str, Callable[[Tensor], Tensor]] = {"eager": run, "graphs": GraphedPass(run)}
    for name, variant in variants.items():
        found[f"network, {name}"] = {
            str(size): attempt(partial(time_network, variant, pixels, size, seconds))
            for size in batch_sizes
        }
    return found


def measure_compiled(
    photos: list[bytes], batch_size: int, left_s: Callable[[], float], *, seconds: float
) -> dict[str, Any]:
    """Return images/s of the bare pass by the modes of torch's compiler, which takes minutes.

    ``left_s`` says how much time may still be used.
    """
    predictor = Predictor("cuda")
    inputs = [predictor.prepare(decode(data)) for data in photos]
    pixels = torch.from_numpy(np.stack(inputs)).cuda()
    run, found = make_pass(), dict[str, Any]()
    for mode, needed_s in COMPILE_S.items():
        if left_s() < needed_s:
            found[mode] = "not measured: no time left"
            continue
        variant = torch.compile(run, mode=mode, dynamic=False)
        found[mode] = attempt(partial(time_network, variant, pixels, batch_size, seconds))
    return found


def make_pass() -> Callable[[Tensor], Tensor]:
    """Return the network's pass on pixels (N, H, W, 3) uint8 of the device."""
    network, _ = load_network()
    network.convolve_in(torch.bfloat16)
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

    return images_per_s(work, seconds)


def time_predictor(
    predictor: Predictor, inputs: Sequence[NDArray[np.uint8]], size: int, seconds: float
) -> float:
    """Return images/s of a predictor in batches of ``size``."""
    return images_per_s(predict_of(predictor, inputs, size), seconds)
