"""MSROI: the network that maps every salient region of a photo, and its predictors."""

import os

# Set before torch loads libgomp. Its idle threads spin by default, and a pass takes many times as
# long on cores that also decode and encode
# (docs/decisions/0018-the-network-takes-turns-with-the-codec.md).
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from model.predictor import Predictor, open_predictor

__all__ = ["Predictor", "open_predictor"]
