"""All measures of one photo."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.datasets.photos import Photo
from bench.encoders import encode_standard
from bench.rd.measure import MeasureOptions, measure_file, measure_photo, prepare_scene
from tests.codec.pictures import scene, spot


@pytest.fixture
def photo(tmp_path: Path) -> Photo:
    Image.fromarray(scene(48, 56)).save(tmp_path / "0.png")
    np.save(tmp_path / "0.npy", spot(12, 14))
    return Photo("0.png", tmp_path / "0.png", "", map_path=tmp_path / "0.npy")


def test_target_quality_has_its_bytes_relative_to_every_other_encoder(photo: Photo) -> None:
    options = MeasureOptions((60,), 0.6, ("libjpeg_progressive",), crops=True, fidelity=True)
    measured = measure_photo(photo, options)
    rows = measured.rows["60"]
    assert rows["standard"]["bytes_ratio"] == rows["libjpeg_progressive"]["bytes_ratio"] == 1
    own = rows["foveate_quality"]
    assert 0 < own["bytes_over_standard"] < 1
    # Progressive scans save bytes, so the ratio to them is higher.
    assert own["bytes_over_libjpeg_progressive"] > own["bytes_over_standard"]
    assert list(measured.crops) == [
        "original",
        *(name for name in rows if name != "foveate_quality"),
    ]


def test_an_unreadable_photo_has_an_error_and_no_measures(photo: Photo) -> None:
    photo.path.write_bytes(b"no picture")
    measured = measure_photo(photo, MeasureOptions((60,), 0.6, ()))
    assert "can't be read" in measured.error
    assert measured.rows == {}


def test_further_strengths_are_named_by_their_value() -> None:
    named = MeasureOptions((60,), 0.6, (), more_strengths=(0.2, 1.0)).strengths()
    assert named == {
        "foveate_uniform": 0.0, "foveate": 0.6, "foveate_full": 1.0,
        "foveate@0.2": 0.2, "foveate@1": 1.0,
    }  # fmt: skip


def test_only_errors_where_people_look_count_for_the_gaze_measures(photo: Photo) -> None:
    image = scene(48, 56)
    looked_at_left = Photo("0.png", photo.path, "", fixations_xy=((0.1, 0.5),))
    prepared = prepare_scene(image, spot(12, 14), looked_at_left)
    damaged = image.copy()
    damaged[:, 40:] = 0
    row = measure_file(prepared, encode_standard(damaged, 95))
    assert row["psnr_gaze"] > row["psnr_y"] + 10
    assert row["ssimulacra2_gaze"] > row["ssimulacra2"] + 10
    assert "ms_ssim" not in row
