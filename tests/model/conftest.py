"""The shipped network, loaded once."""

import pytest

from model import MSROI, Predictor
from model.checkpoint import load_network


@pytest.fixture(scope="session")
def predictor() -> Predictor:
    """Return the shipped predictor on the CPU."""
    return Predictor(device="cpu")


@pytest.fixture(scope="session")
def network() -> MSROI:
    """Return the shipped network."""
    return load_network()[0]
