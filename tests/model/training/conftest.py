"""What tests of training share: the published classifier and a small data set."""

from pathlib import Path

import pytest

from model.training.classifier import Classifier, load_classifier
from tests.model.training.synthetic import write_data


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    """Return the published classifier. Tests must not change it."""
    return load_classifier()


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of `write_data`."""
    root = tmp_path_factory.mktemp("data")
    write_data(root)
    return root
