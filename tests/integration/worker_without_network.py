"""``python -m tests.integration.worker_without_network``: the worker with a stand-in for the network.

Everything else is real. The stand-in takes PASS_S seconds for each photo and finds its middle
salient. It fails on photos of a width of FAILS_ON_WIDTH_PX.
"""

import os
import runpy
import sys
import time
from collections.abc import Sequence
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from model.prediction import Prediction
from tests.worker.centre_predictor import CentrePredictor

PASS_S = float(os.environ["PASS_S"])
FAILS_ON_WIDTH_PX = int(os.environ.get("FAILS_ON_WIDTH_PX", "-1"))


class PausingPredictor(CentrePredictor):
    """Takes the place of the network."""

    arithmetic = "no network"

    def __init__(self, _device: str) -> None:
        super().__init__(side_by_side=True, fails_on_width_px=FAILS_ON_WIDTH_PX)

    def warm_up(self, max_batch_size: int) -> None:
        """Do nothing: there is no network."""

    def predict(self, batch: Sequence[NDArray[np.uint8]]) -> list[Prediction]:
        """Return the maps after a pause."""
        time.sleep(PASS_S * len(batch))
        return super().predict(batch)


def main() -> None:
    """Run ``python -m worker`` with this ``model``."""
    model = ModuleType("model")
    model.open_predictor = PausingPredictor  # type: ignore[attr-defined]
    sys.modules["model"] = model
    runpy.run_module("worker", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
