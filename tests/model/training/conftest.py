"""What tests of training share: the published classifier and a small data set."""

import json
from pathlib import Path

import numpy as np
import pytest

from model.training.classifier import Classifier, load_classifier
from tests.model.training.synthetic import photo_names, write_photo, write_synsets
from tests.photos import photo


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    """Return the published classifier. Tests must not change it."""
    return load_classifier()


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with train/ (12 photos, 3 more held out) and fixations/ (8, 3 more held out)."""
    root = tmp_path_factory.mktemp("data")
    write_synsets(root / "train", [f"n{index:07}" for index in range(1000)])
    for folder in ("imagenette/n0000003", "caltech101/Faces", "pacs_photo/dog"):
        for number, name in enumerate([*photo_names(4), *photo_names(1, held=True)]):
            write_photo(root / "train" / folder / name, photo(90, 60, number))
    recorded = {}
    for seed, name in enumerate([*photo_names(8), *photo_names(3, held=True)]):
        write_photo(root / "fixations" / "synthetic" / name, photo(120, 80, seed))
        points = (np.random.default_rng(seed).random((9, 2)) * (120, 80)).tolist()
        recorded[name] = {"width": 120, "height": 80, "fixations_xy": points}
    (root / "fixations" / "synthetic" / "fixations.json").write_text(json.dumps(recorded))
    return root
