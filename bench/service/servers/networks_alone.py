"""CPU time of the network on one thread: as workers run it, and by torch in float32."""

import io
import time
from collections.abc import Callable, Sequence
from itertools import cycle

import torch
from PIL import Image

from model import Predictor, open_predictor
from model.torch_predictor import TorchPredictor


def load_networks(uploads: Sequence[bytes]) -> Callable[[float], dict[str, float]]:
    """Return a function that measures both for so many seconds: CPU time per photo in ms.

    They take turns photo by photo, so that the machine's changing speed affects both.
    """
    ours = open_predictor("cpu")
    float32 = TorchPredictor("cpu", threads=1, precision=torch.float32)
    inputs = cycle([ours.prepare(Image.open(io.BytesIO(upload))) for upload in uploads])

    def measure(seconds: float) -> dict[str, float]:
        spent_s = {"cpu_ms": 0.0, "torch_float32_cpu_ms": 0.0}
        both: tuple[Predictor, Predictor] = (ours, float32)
        predictors = dict(zip(spent_s, both, strict=True))
        photos, ends_s = 0, time.perf_counter() + seconds
        while not photos or time.perf_counter() < ends_s:
            photo = next(inputs)
            for name, predictor in predictors.items():
                started_s = time.process_time()
                predictor.predict([photo])
                spent_s[name] += time.process_time() - started_s
            photos += 1
        return {name: 1e3 * own_s / photos for name, own_s in spent_s.items()}

    measure(0.0)
    return measure
