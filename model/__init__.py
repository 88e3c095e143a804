"""MSROI: the network that finds every region people care about, and its predictor."""

import os

# Read when torch is loaded. A thread that waits for the others of its pass must sleep: spinning, as
# is OpenMP's way, it takes the cores from whoever decodes and encodes meanwhile, and a pass whose
# other half isn't running then takes ten times as long.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from model.msroi import MSROI, MSROIConfig
from model.predictor import Predictor

__all__ = ["MSROI", "MSROIConfig", "Predictor"]
