"""The shipped predictors, loaded once. Tests must not change them."""

import pytest
import torch

from model.onnx_predictor import OnnxPredictor
from model.torch_predictor import TorchPredictor


@pytest.fixture(scope="session")
def predictor() -> TorchPredictor:
    """Return the shipped predictor in torch on the CPU."""
    return TorchPredictor(device="cpu")


@pytest.fixture(scope="session")
def float32_predictor() -> TorchPredictor:
    """Return the reference for other precisions."""
    return TorchPredictor(device="cpu", threads=1, precision=torch.float32)


@pytest.fixture(scope="session")
def int8_predictor() -> OnnxPredictor:
    """Return the service's predictor on the CPU."""
    return OnnxPredictor()
