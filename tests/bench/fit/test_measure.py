"""Differences to the standard JPEG of the same bytes, and bytes saved at equal measures."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.datasets.photos import Photo
from bench.encoders import encode_standard
from bench.fit import measure
from bench.fit.constants import list_constants
from bench.fit.goals import RIVALS, UNIFORM, WEIGHTED, Bound, Goals, Reward
from bench.fit.measure import Reference, Trial, compare, measure_trial, prepare_reference
from codec.jpeg.quantize.tuning import PSNR
from tests.codec.pictures import scene, spot

CONSTANTS = list_constants(PSNR.default)


@pytest.fixture
def photo(tmp_path: Path) -> Photo:
    Image.fromarray(scene(184, 200)).save(tmp_path / "0.png")
    np.save(tmp_path / "0.npy", spot(12, 12))
    return Photo("0.png", tmp_path / "0.png", "", map_path=tmp_path / "0.npy")


def test_differences_and_savings_of_the_standard_jpeg_are_none(photo: Photo) -> None:
    columns = ("psnr", "psnr_s", "psnr_hvs", "saving_ssimulacra2_gaze")
    goals = Goals((), tuple(Reward(name, 1.0) for name in columns))
    reference = prepare_reference(Trial(photo, (75,), goals, CONSTANTS))
    picture = measure.prepare_photo(photo)
    measures = [name.removeprefix("saving_") for name in columns]
    for quality in (75, 70):
        jpeg = encode_standard(picture.image, quality)
        found = measure.measure_file(picture, jpeg, measures)
        row = compare(reference, found, len(jpeg), columns)
        assert row == pytest.approx(dict.fromkeys(columns, 0.0), abs=0.2 if quality == 75 else 0.02)
    progressive = encode_standard(picture.image, 75, progressive=True, optimize=True)
    found = measure.measure_file(picture, progressive, measures)
    better = compare(reference, found, len(progressive), columns)
    smaller = 100 * np.log(len(encode_standard(picture.image, 75)) / len(progressive))
    assert better["saving_ssimulacra2_gaze"] == pytest.approx(smaller, abs=0.2)
    assert better["psnr"] > 0


def test_bytes_saved_follow_the_curve_of_the_standard_jpeg() -> None:
    reference = Reference(
        np.log([1000.0, 2000.0, 4000.0]),
        {
            "ssimulacra2_gaze": np.array([50.0, 60.0, 70.0]),
            "butteraugli_gaze": np.array([3.0, 2.0, 1.0]),
        },
    )
    columns = ("saving_ssimulacra2_gaze", "saving_butteraugli_gaze")
    found = {"ssimulacra2_gaze": 65.0, "butteraugli_gaze": 2.0}
    row = compare(reference, found, 2000, columns)
    assert row["saving_ssimulacra2_gaze"] == pytest.approx(50 * np.log(2))
    assert row["saving_butteraugli_gaze"] == pytest.approx(0.0, abs=1e-3)
    # Beyond the end, the last file counts: a line through two equal scores has no sensible slope.
    beyond = compare(reference, {**found, "ssimulacra2_gaze": 80.0}, 2000, columns)
    assert beyond["saving_ssimulacra2_gaze"] == pytest.approx(100 * np.log(2))


def test_only_columns_that_goals_need_are_measured(photo: Photo) -> None:
    goals = Goals(
        (Bound("ssimulacra2", 0.0, UNIFORM, over_rivals=True, qualities=(60, 80)),),
        (Reward("psnr_s", 1.0),),
    )
    trial = Trial(photo, (50, 75), goals, CONSTANTS)
    reference = prepare_reference(trial)
    assert set(reference.scores) == {"ssimulacra2", "psnr_s"}
    found = measure_trial(Trial(photo, (50, 75), goals, CONSTANTS, reference))
    rows = {key: set(row) for key, row in found.items() if key[1] != RIVALS}
    assert rows == {
        (50, WEIGHTED): {"psnr_s"},
        (75, WEIGHTED): {"psnr_s"},
        (75, UNIFORM): {"ssimulacra2"},
    }
    assert found[75, WEIGHTED]["psnr_s"] > 1.0
