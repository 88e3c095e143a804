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
    left_s: Callable[[], float],
    *,
    seconds: float,
) -> dict[str, Any]:
    """Return images/s by variant and batch size; in its place the error of a variant that fails.

    "predictor" is `Predictor.predict` with its copies, "network" the bare pass on pixels that are on
    the device; ``left_s`` says how much time may still be used.
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
    for name, variant in make_variants().items():
        # Compiled anew for each size: only for the largest.
        sizes = batch_sizes[-1:] if name in COMPILE_S else batch_sizes
        needed_s = COMPILE_S.get(name, 0.0) + len(sizes) * seconds
        if left_s() < needed_s:
            found[f"network, {name}"] = "not measured: no time left"
            continue
        found[f"network, {name}"] = {
            str(size): attempt(partial(time_network, variant, pixels, size, seconds))
            for size in sizes
        }
    return found


def make_variants() -> dict[str, Callable[[Tensor], Tensor]]:
    """Return the network's pass on pixels (N, H, W, 3) uint8, in each of the ways."""
    network, _ = load_network()
    network.convolve_in(torch.bfloat16)
    # torch's own annotations leave this argument out.
    network = network.to("cuda", memory_format=torch.channels_last)  # type: ignore[call-overload]

    def run(pixels: Tensor) -> Tensor:
        saliency: Tensor = network.saliency(network.class_maps(normalise_pixels(pixels)))
        return saliency

    compiled = {mode: torch.compile(run, mode=mode, dynamic=False) for mode in COMPILE_S}
    return {"eager": run, "graphs": GraphedPass(run), **compiled}


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
