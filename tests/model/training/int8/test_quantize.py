from pathlib import Path

import pytest

from model.msroi import MSROI
from model.onnx_predictor import OnnxPredictor
from model.training.__main__ import main
from model.training.int8 import quantize
from model.training.photos import CHOOSING_FOLD, HELD_FOLD, fold_of, is_held, list_photos
from model.weights_file import SHIPPED_INT8_WEIGHTS
from tests.model.training.synthetic import photo_names
from tests.photos import photo


def test_the_command_writes_a_file_that_predicts(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calibrated: list[Path] = []
    scale_photos = quantize.scale_photos

    def spy(paths: list[Path], area_px: int) -> object:
        calibrated.extend(paths)
        return scale_photos(paths, area_px)

    monkeypatch.setattr(quantize, "scale_photos", spy)
    pruned: list[tuple[int, float]] = []

    def prune(network: MSROI, photos: list[object], price: float) -> MSROI:
        pruned.append((len(photos), price))
        return network

    monkeypatch.setattr(quantize, "prune", prune)
    out = tmp_path / "new.onnx"
    main(["quantize", "--data", str(data), "--photos", "2", "--out", str(out)])
    assert len(calibrated) == 2
    assert [data / "fixations" in path.parents for path in calibrated] == [True, False]
    assert pruned == [(2, quantize.PRICE)]
    predictor = OnnxPredictor(out)
    saliency = predictor.predict([photo(480, 320)])[0].saliency
    assert saliency.shape == (40, 60)
    assert out.with_suffix(".sha256").read_text().startswith(predictor.version)


def test_photos_are_half_with_gaze_half_labelled_and_of_no_left_out_fold(data: Path) -> None:
    gazed = {path for path in data.glob("fixations/synthetic/*.jpg") if not is_held(path.name)}
    everything = quantize.choose_photos(data, 1000, {HELD_FOLD}, 0)
    labelled = {photo.path for photo in list_photos(data, {HELD_FOLD, CHOOSING_FOLD})} - gazed
    assert set(everything) == gazed | labelled
    assert len(everything) == len(set(everything))
    four = quantize.choose_photos(data, 4, {HELD_FOLD}, 0)
    assert [path in gazed for path in four] == [True, True, False, False]
    assert four == quantize.choose_photos(data, 4, {HELD_FOLD}, 0)
    assert four != quantize.choose_photos(data, 4, {HELD_FOLD}, 1)
    left_out = fold_of(photo_names(1)[0])
    fewer = quantize.choose_photos(data, 1000, {HELD_FOLD, left_out}, 0)
    assert not {fold_of(path.name) for path in fewer if path in gazed} & {HELD_FOLD, left_out}
    assert 0 < len(fewer) < len(everything)


def test_photos_come_at_the_size_of_the_network(data: Path) -> None:
    path = next((data / "fixations" / "synthetic").glob("*.jpg"))
    (pixels,) = quantize.scale_photos([path], 480 * 320)
    assert pixels.shape == (320, 480, 3)


def test_the_default_file_is_the_shipped_one() -> None:
    assert SHIPPED_INT8_WEIGHTS.is_file()
