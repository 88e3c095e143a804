"""MSROI: the network that finds every region people care about, and its predictor."""

from model.msroi import MSROI, MSROIConfig
from model.predictor import Predictor

__all__ = ["MSROI", "MSROIConfig", "Predictor"]
