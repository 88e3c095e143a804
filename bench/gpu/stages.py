"""Images/s of the stages alone: decode and encode by threads, the network by batch sizes."""

import io
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from PIL import Image

from bench.environment import count_cores
from bench.service.servers.compressor import Compressor
from model import Predictor
from model.checkpoint import load_network
from model.msroi import normalise_pixels

# On CUDA between two synchronisations, so that the device does not wait for Python.
PASSES: Final = 10


def measure_codec(
    photos: Sequence[bytes], device: str, queries: Sequence[str], *, seconds: float
) -> dict[str, Any]:
    """Return images/s and CPU ms per image of decode and encode, by threads: one, and all cores.

    Args:
        photos: uploads.
        device: of the network that computes the maps.
        queries: of ``/compress``; each has its own figures of encode.
        seconds: measured for each figure.
    """
    encoders = {
        query: Compressor(query, threads=1, record=lambda _: None, device=device)
        for query in queries
    }
    compressor = encoders[queries[0]]
    decoded = [compressor.decode(photo) for photo in photos]
    maps = compressor.predict(decoded)

    def encode(encoder: Compressor, number: int) -> bytes:
        return encoder.encode(decoded[number], maps[number])

    def by_threads(work: Callable[[int], object]) -> dict[str, Any]:
        return {
            str(threads): measure_threads(work, len(photos), threads, seconds)
            for threads in sorted({1, count_cores()})
        }

    return {
        "decode": by_threads(lambda number: compressor.decode(photos[number])),
        "encode": {query: by_threads(partial(encode, own)) for query, own in encoders.items()},
    }


def measure_threads(
    work: Callable[[int], object], photos: int, threads: int, seconds: float
) -> dict[str, float]:
    """Return images/s and CPU ms per image of ``work``, which takes a photo's number."""
    with ThreadPoolExecutor(threads) as pool:

        def all_once() -> int:
            numbers = [number % photos for number in range(max(photos, 4 * threads))]
            return len(list(pool.map(work, numbers)))

        all_once()
        before_s, started_s, images = time.process_time(), time.perf_counter(), 0
        while time.perf_counter() - started_s < seconds:
            images += all_once()
        elapsed_s = time.perf_counter() - started_s
        cpu_s = time.process_time() - before_s
    return {"images_per_s": images / elapsed_s, "cpu_ms_per_image": 1e3 * cpu_s / images}


def measure_network(
    photos: Sequence[bytes], device: str, batch_sizes: Sequence[int], *, seconds: float
) -> dict[str, dict[str, float]]:
    """Return images/s by batch size of the predictor and of the bare network.

    The network runs in bfloat16 on CUDA, else in float32.
    The predictor copies photos to the device and maps from it. The bare network's pixels are on the
    device before, and its maps stay there.
    """
    predictor = Predictor(device)
    inputs = [predictor.prepare(Image.open(io.BytesIO(photo))) for photo in photos]
    network, _ = load_network()
    on_cuda = torch.device(device).type == "cuda"
    network.convert_convolutions(torch.bfloat16 if on_cuda else torch.float32)
    passes = PASSES if on_cuda else 1
    # torch's own annotations leave this argument out.
    network = network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    def time_predictor(size: int) -> float:
        batch = [inputs[number % len(inputs)] for number in range(size)]
        return measure_images_per_s(lambda: len(predictor.predict(batch)), seconds)

    def time_network(size: int) -> float:
        pixels = torch.from_numpy(np.stack([inputs[n % len(inputs)] for n in range(size)]))
        pixels = pixels.to(device)  # (N, H, W, 3)

        def work() -> int:
            for _ in range(passes):
                network.saliency(network.class_maps(normalise_pixels(pixels)))
            if on_cuda:
                torch.cuda.synchronize(pixels.device)
            return passes * size

        with torch.inference_mode():
            return measure_images_per_s(work, seconds)

    return {
        "predictor": {str(size): time_predictor(size) for size in batch_sizes},
        "network": {str(size): time_network(size) for size in batch_sizes},
    }


def measure_images_per_s(work: Callable[[], int], seconds: float) -> float:
    """Return images per second of ``work``, which returns its number of images.

    A first call warms up and does not count.
    """
    work()
    started_s, images = time.perf_counter(), 0
    while True:
        images += work()
        elapsed_s = time.perf_counter() - started_s
        if elapsed_s >= seconds:
            return images / elapsed_s
