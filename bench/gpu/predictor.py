"""Images/s of the predictor and of its network alone on a CUDA device."""

import statistics
import time
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from bench.metrics.gaze import SEED
from model.checkpoint import load_network
from model.msroi import MSROI, normalise_pixels
from model.torch_predictor import TorchPredictor

BATCH_SIZE: Final = 64
PHOTO_PX: Final = (480, 320)
WARM_UP_BATCHES: Final = 5
BATCHES: Final = 30


def measure_cuda() -> dict[str, Any] | str:
    """Return the device and its images/s with the shipped weights, or "not measured" without one."""
    if not torch.cuda.is_available():
        return "not measured"
    predictor = TorchPredictor("cuda")
    network, _ = load_network()
    photos = [predictor.prepare(noise) for noise in draw_noise(BATCH_SIZE)]
    return {
        "device": torch.cuda.get_device_name(predictor.device),
        "batch_size": BATCH_SIZE,
        "images_per_s": round(time_predictor(predictor, photos, BATCHES), 1),
        "network_images_per_s": round(time_network(network, np.stack(photos), BATCHES), 1),
    }


def draw_noise(count: int) -> list[Image.Image]:
    """Return RGB pictures of noise: on blank ones a GPU draws less power and clocks higher."""
    width, height = PHOTO_PX
    pixels = np.random.default_rng(SEED).integers(0, 256, (count, height, width, 3), np.uint8)
    return [Image.fromarray(picture) for picture in pixels]


def time_predictor(
    predictor: TorchPredictor, photos: list[NDArray[np.uint8]], batches: int
) -> float:
    """Return photos per second of `TorchPredictor.predict`, including copies to and from the device."""
    for _ in range(WARM_UP_BATCHES):
        predictor.predict(photos)
    times_s = []
    for _ in range(batches):
        started_s = time.perf_counter()
        predictor.predict(photos)  # returns maps on the CPU, so the device has finished
        times_s.append(time.perf_counter() - started_s)
    return len(photos) / statistics.median(times_s)


def time_network(network: MSROI, pixels: NDArray[np.uint8], batches: int) -> float:
    """Return images per second of the bare network on pixels (N, H, W, 3) that are on the device."""
    network.convert_convolutions(torch.bfloat16)  # like the predictor
    # torch's own annotations leave this argument out.
    network = network.to("cuda", memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = normalise_pixels(torch.from_numpy(pixels).cuda())
    # Without annotations in torch.
    started, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    with torch.inference_mode():
        for batch in range(WARM_UP_BATCHES + batches):
            if batch == WARM_UP_BATCHES:
                started.record()
            network.saliency(network.class_maps(images))
        ended.record()
    torch.cuda.synchronize()
    elapsed_s = float(started.elapsed_time(ended)) / 1000
    return len(images) * batches / elapsed_s
