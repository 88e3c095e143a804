"""MSROI: the network that finds every region people care about, and its predictor."""

import os

# Before torch loads libgomp, whose idle threads spin by default: on a machine that also decodes and
# encodes that makes a pass many times slower than letting them sleep (docs/architecture.md).
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from model.msroi import MSROI, MSROIConfig
from model.predictor import Predictor

__all__ = ["MSROI", "MSROIConfig", "Predictor"]
