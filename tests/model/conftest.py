"""The shipped predictor, loaded once."""

import pytest

from model import Predictor


@pytest.fixture(scope="session")
def predictor() -> Predictor:
    """Return the shipped predictor on the CPU. Tests must not change it."""
    return Predictor(device="cpu")
