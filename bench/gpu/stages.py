"""Images/s of decode, predict and encode, each measured alone as in the worker."""

import io
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import codec
from model.torch_predictor import TorchPredictor

SETTINGS = codec.EncodeSettings(quality=50, target="size", progressive=False)


def measure_stages(
    photos: list[bytes], device: str, batch_sizes: Sequence[int], cores: int, *, seconds: float
) -> dict[str, Any]:
    """Return images/s by stage: decode and encode by number of threads, predict by batch size."""
    predictor = TorchPredictor(device)
    predictor.warm_up(max(batch_sizes))
    codec.warm_up()
    decoded = [decode(data) for data in photos]
    inputs = [predictor.prepare(image) for image in decoded]
    maps = predictor.predict(inputs)
    pixels = [np.asarray(image) for image in decoded]

    def decode_one(number: int) -> None:
        predictor.prepare(decode(photos[number]))

    def encode_one(number: int) -> None:
        source = codec.read_source(photos[number])
        codec.transcode(source, pixels[number], maps[number], SETTINGS)

    def by_threads(work: Callable[[int], None]) -> dict[str, Any]:
        return {str(n): measure_threads(work, len(photos), n, seconds) for n in threads}

    threads = sorted({1, cores})
    return {
        "decode": by_threads(decode_one),
        "predict": {
            str(size): measure_images_per_s(prepare_prediction(predictor, inputs, size), seconds)
            for size in batch_sizes
        },
        "encode": by_threads(encode_one),
    }


def measure_or_describe_error(work: Callable[[], Any]) -> Any:
    """Return the result of ``work``, or its error as one line."""
    try:
        return work()
    except Exception as error:  # noqa: BLE001
        return " ".join(f"{type(error).__name__}: {error}".split())[:300]


def decode(data: bytes) -> Image.Image:
    """Return the picture of an upload."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def prepare_prediction(
    predictor: TorchPredictor, inputs: Sequence[NDArray[np.uint8]], size: int
) -> Callable[[], int]:
    """Return a function that predicts one batch and returns its size."""
    batch = [inputs[number % len(inputs)] for number in range(size)]

    def work() -> int:
        return len(predictor.predict(batch))

    return work


def measure_threads(
    work: Callable[[int], None], photos: int, threads: int, seconds: float
) -> dict[str, float]:
    """Return images/s and CPU ms per image of ``work``, which takes a photo's number."""
    with ThreadPoolExecutor(threads) as pool:

        def all_once() -> int:
            numbers = [number % photos for number in range(max(photos, 4 * threads))]
            return len(list(pool.map(work, numbers)))

        all_once()
        before_s = time.process_time()
        started_s, images = time.perf_counter(), 0
        while time.perf_counter() - started_s < seconds:
            images += all_once()
        elapsed_s = time.perf_counter() - started_s
        cpu_s = time.process_time() - before_s
    return {"images_per_s": images / elapsed_s, "cpu_ms_per_image": 1e3 * cpu_s / images}


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
