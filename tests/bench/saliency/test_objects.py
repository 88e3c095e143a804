import json
from pathlib import Path

import numpy as np
import pytest

from bench.saliency import objects
from tests.model.training.synthetic import coco_names


def test_class_names_may_contain_blanks() -> None:
    assert objects.read_boxes("tv 1 2 3 4\n\npotted plant 5 6 7.0 8\n") == [
        (1, 2, 3, 4),
        (5, 6, 7, 8),
    ]
    with pytest.raises(ValueError, match="not 'class x1 y1 x2 y2'"):
        objects.read_boxes("tv 1 2 3")


def test_photos_and_labels_are_matched_by_file_stem(tmp_path: Path) -> None:
    labels, photos = tmp_path / "labels", tmp_path / "photos"
    labels.mkdir()
    photos.mkdir()
    for stem, text in {"a": "x 0 0 1 1", "b": "x 0 0 1 1", "empty": ""}.items():
        (labels / f"{stem}.txt").write_text(text)
    for name in ("a.jpg", "empty.jpg", "c.jpg"):
        (photos / name).touch()
    assert objects.find_labelled(labels, photos) == {"a": (photos / "a.jpg", [(0, 0, 1, 1)])}


def test_of_coco_the_held_out_half_is_read_without_small_objects(tmp_path: Path) -> None:
    (held,), (other,) = coco_names(1, held=True), coco_names(1)
    found = [
        {"class": "dog", "box": [0.1, 0.25, 0.5, 0.5]},
        {"class": "cup", "box": [0, 0, 0.1, 0.09]},
    ]
    labels = {name: {"width": 200, "height": 100, "objects": found} for name in (held, other)}
    path = tmp_path / "labels.json"
    path.write_text(json.dumps(labels))
    expected = {Path(held).stem: (tmp_path / held, [(20, 25, 119, 74)])}
    assert objects.find_labelled(path, tmp_path) == expected


def test_centre_and_half_of_the_area_are_covered_separately() -> None:
    # The hottest column of ten is the left one, and the next hottest follow it.
    saliency = np.repeat(np.arange(10, 0, -1, dtype=np.float32)[None], 10, axis=0)
    left, right, reaching, outside = objects.cover_objects(
        saliency, [(0, 0, 1, 9), (8, 0, 9, 9), (2, 0, 7, 9), (12, 12, 40, 40)]
    )
    assert left == dict.fromkeys(objects.COVERAGE, 1)
    assert not any(right.values())
    assert (reaching["centre_25"], reaching["centre_50"]) == (0, 1)
    assert (reaching["half_25"], reaching["half_50"]) == (0, 1)
    assert not any(outside.values())


def test_a_uniform_map_covers_centres_by_chance() -> None:
    (row,) = objects.cover_objects(np.ones((10, 10), np.float32), [(2, 2, 5, 5)])
    assert (row["centre_10"], row["centre_25"], row["centre_50"]) == (0.1, 0.25, 0.5)
    assert (row["half_10"], row["half_25"], row["half_50"]) == (0, 0, 1)


def test_shares_are_means_over_objects() -> None:
    rows = [dict.fromkeys(objects.COVERAGE, value) for value in (0.0, 1.0, 1.0)]
    found = objects.summarise_objects(rows)
    assert found["count"] == 3
    assert found["half_25"] == pytest.approx(2 / 3, abs=1e-4)
