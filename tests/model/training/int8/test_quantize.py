import json
from pathlib import Path

import numpy as np
import pytest

from model.msroi import MSROI
from model.onnx_predictor import OnnxPredictor
from model.training.__main__ import main
from model.training.gaze import Record
from model.training.int8 import quantize
from model.training.photos import HELD_FOLD, fold_of
from model.weights_file import SHIPPED_INT8_WEIGHTS
from tests.model.training.synthetic import photo_names, write_photo
from tests.photos import photo


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with photos of a training fold and held-out ones, with a fixation each."""
    root = tmp_path_factory.mktemp("data")
    folder = root / "fixations" / "set"
    names = [*photo_names(3), *photo_names(2, held=True)]
    for seed, name in enumerate(names):
        write_photo(folder / name, photo(96, 64, seed=seed))
    entry = {"width": 96, "height": 64, "fixations_xy": [[3, 4]]}
    (folder / "fixations.json").write_text(json.dumps(dict.fromkeys(names, entry)))
    return root


def test_the_command_writes_a_file_that_predicts(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibrated: list[Record] = []
    scale_photos = quantize.scale_photos

    def spy(records: list[Record], area_px: int) -> object:
        calibrated.extend(records)
        return scale_photos(records, area_px)

    monkeypatch.setattr(quantize, "scale_photos", spy)
    pruned: list[tuple[int, float]] = []

    def prune(network: MSROI, photos: list[object], price: float) -> MSROI:
        pruned.append((len(photos), price))
        return network

    monkeypatch.setattr(quantize, "prune", prune)
    out = tmp_path / "new.onnx"
    main(["quantize", "--data", str(data), "--photos", "2", "--out", str(out)])
    assert len(calibrated) == 2
    assert pruned == [(2, quantize.PRICE)]
    assert HELD_FOLD not in {record.fold for record in calibrated}
    predictor = OnnxPredictor(out)
    saliency = predictor.predict([photo(480, 320)])[0].saliency
    assert saliency.shape == (40, 60)
    assert out.with_suffix(".sha256").read_text().startswith(predictor.version)


def test_folds_may_be_left_out(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(
        quantize, "scale_photos", lambda records, _: seen.extend(r.fold for r in records) or []
    )
    monkeypatch.setattr(quantize, "calibrate", lambda *_: {})
    monkeypatch.setattr(quantize, "write_onnx", lambda *_: b"")
    left_out = fold_of(photo_names(1)[0])
    main(
        [
            "quantize",
            "--data",
            str(data),
            "--leave-out",
            str(left_out),
            "--price",
            "0",
            "--out",
            str(tmp_path / "a.onnx"),
        ]
    )
    assert not {HELD_FOLD, left_out} & set(seen)


def test_photos_come_at_the_size_of_the_network(data: Path) -> None:
    path = next((data / "fixations" / "set").glob("*.jpg"))
    record = Record(path, "set", (96, 64), np.zeros((1, 2)))
    (pixels,) = quantize.scale_photos([record], 480 * 320)
    assert pixels.shape == (320, 480, 3)


def test_the_default_file_is_the_shipped_one() -> None:
    assert SHIPPED_INT8_WEIGHTS.is_file()
