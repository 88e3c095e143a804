import json
from collections import Counter
from pathlib import Path

import pytest

from model.classes import read_classes
from model.training.photos import (
    FOLDS,
    HELD_FOLD,
    Photo,
    coco_fold_of,
    find_coco,
    find_gazed,
    find_photos,
    fold_of,
    is_held,
    is_single,
    list_photos,
)
from tests.model.training.synthetic import photo_names, write_photo, write_synsets

NAME = photo_names(1)[0]
CLASS_OF_0, CLASS_OF_1 = (
    next(entry.name for entry in read_classes() if synset in entry.synsets) for synset in (0, 1)
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_synsets(tmp_path, ["n01", "n02", "n03"])
    return tmp_path


def test_a_photo_stays_in_its_fold() -> None:
    # The shipped weights were trained without the held-out fold: a moved photo would leak into it.
    names = {"1001.jpg": 0, "1003.jpg": 4, "1005.jpg": 2, "é.jpg": 4}
    assert {name: fold_of(name) for name in names} == names


def test_folds_have_nearly_the_same_size() -> None:
    sizes = Counter(fold_of(f"{number}.jpg") for number in range(5000))
    assert sorted(sizes) == list(range(FOLDS))
    assert all(900 < size < 1100 for size in sizes.values())


def test_one_fold_is_held_out() -> None:
    names = [f"{number}.jpg" for number in range(500)]
    assert {fold_of(name) for name in names if is_held(name)} == {0}
    assert {fold_of(name) for name in names if not is_held(name)} == {1, 2, 3, 4}


def test_the_folder_names_the_synset(root: Path) -> None:
    path = write_photo(root / "imagenette" / "n02" / NAME)
    (found,) = find_photos(root)
    assert (found.path, found.fold, found.synset) == (path, fold_of(NAME), 1)
    assert found.present == {CLASS_OF_1}
    assert not found.absent


def test_the_file_s_name_may_begin_with_the_synset(root: Path) -> None:
    for start in ("n03_", "n0_", "n03"):
        write_photo(root / "imagenet_sample" / photo_names(1, start=start, suffix=".JPEG")[0])
    found = {photo.path.name.split("_")[0]: photo.synset for photo in find_photos(root)}
    assert len(found) == 3
    assert found.pop("n03") == 2
    assert set(found.values()) == {None}


def test_a_list_of_labels_may_name_the_synset(root: Path) -> None:
    listed, unlisted = photo_names(2)
    write_photo(root / "imagenet_val" / listed)
    write_photo(root / "imagenet_val" / unlisted)
    (root / "imagenet_val" / "labels.tsv").write_text(
        f"file\twnid\tclass_index\n{listed}\tn03\t2\n"
    )
    found = {photo.path.name: photo.synset for photo in find_photos(root)}
    assert found == {listed: 2, unlisted: None}


@pytest.mark.parametrize(
    ("folder", "present", "absent"),
    [
        ("caltech101/Faces", {"person", "face"}, set()),
        ("caltech101/Faces_easy", {"person", "face"}, set()),
        ("pacs_photo/person", {"person"}, set()),
        ("caltech101/airplanes", {"aircraft"}, {"person", "face"}),
        ("pacs_photo/dog", {"dog"}, {"person", "face"}),
        ("caltech101/BACKGROUND_Google", set(), set()),
        ("imagenette/n01", {CLASS_OF_0}, set()),
        ("imagenet_val", set(), set()),
    ],
)
def test_the_folder_tells_what_is_in_the_photo(
    root: Path, folder: str, present: set[str], absent: set[str]
) -> None:
    write_photo(root / folder / NAME)
    (found,) = find_photos(root)
    assert found.present == present
    assert found.absent == absent


@pytest.mark.parametrize(
    ("present", "absent", "single"),
    [
        ({"dog"}, set(), True),
        ({"dog"}, {"person", "face"}, True),
        ({"dog", "person"}, set(), True),
        ({"person", "face"}, set(), False),
        (set(), {"person"}, False),
        ({"dog"}, {"person", "cat"}, False),
    ],
)
def test_a_label_may_name_the_one_object(present: set[str], absent: set[str], single: bool) -> None:
    photo = Photo(Path("a.jpg"), 1, None, frozenset(present), frozenset(absent))
    assert is_single(photo) == single


def test_half_of_coco_is_held_out_and_the_rest_is_in_the_other_folds() -> None:
    folds = Counter(coco_fold_of(f"{number}.jpg") for number in range(5000))
    assert sorted(folds) == list(range(FOLDS))
    assert 2300 < folds[HELD_FOLD] < 2700
    assert all(500 < folds[fold] < 750 for fold in range(1, FOLDS))
    names = {"1001.jpg": 0, "1003.jpg": 1, "000000000139.jpg": 4}
    assert {name: coco_fold_of(name) for name in names} == names


def test_coco_tells_which_classes_are_in_a_photo_and_which_are_not(tmp_path: Path) -> None:
    labels = {
        "b.jpg": {"objects": [{"class": "person"}, {"class": "dog"}, {"class": "dog"}]},
        "a.jpg": {"objects": [{"class": "car"}, {"class": "truck"}]},
    }
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    cars, dog = find_coco(tmp_path)
    assert (cars.path, dog.path) == (tmp_path / "a.jpg", tmp_path / "b.jpg")
    assert (cars.fold, cars.synset) == (coco_fold_of("a.jpg"), None)
    assert cars.present == {"car"}
    assert {"person", "face", "dog"} <= cars.absent
    assert dog.present == {"person", "dog"}
    assert "face" not in dog.absent | dog.present
    # COCO has no such category, so its labels say nothing.
    assert "insect" not in dog.absent
    assert not is_single(dog)


def test_photos_with_gaze_are_listed_by_set(tmp_path: Path) -> None:
    for folder, names in {"sun": ["b.jpg"], "crowd": ["d.jpg", "c.jpg"]}.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "fixations.json").write_text(json.dumps({name: {} for name in names}))
    found = [(photo.path.name, photo.fold, set(photo.present)) for photo in find_gazed(tmp_path)]
    assert found == [
        ("c.jpg", fold_of("c.jpg"), {"person"}),
        ("d.jpg", fold_of("d.jpg"), {"person"}),
        ("b.jpg", fold_of("b.jpg"), set()),
    ]


def test_other_files_are_ignored(root: Path) -> None:
    kept = write_photo(root / "pacs_photo" / "dog" / NAME)
    (kept.parent / "notes.txt").write_text("no photo")
    assert [photo.path for photo in find_photos(root)] == [kept]


def test_photos_are_sorted_by_path(root: Path) -> None:
    written = [
        write_photo(root / folder / name)
        for folder in ("pacs_photo/dog", "caltech101/ant", "imagenette/n01")
        for name in reversed(photo_names(3))
    ]
    found = [str(photo.path) for photo in find_photos(root)]
    assert found == sorted(map(str, written))


def test_a_folder_without_photos_is_an_error(root: Path) -> None:
    (root / "pacs_photo").mkdir()
    with pytest.raises(FileNotFoundError, match="no photos below"):
        find_photos(root)


def test_a_folder_without_the_list_of_synsets_is_an_error(tmp_path: Path) -> None:
    write_photo(tmp_path / "pacs_photo" / "dog" / NAME)
    with pytest.raises(FileNotFoundError, match=r"imagenet_synsets\.tsv"):
        find_photos(tmp_path)


def test_photos_of_all_sources_are_listed_without_left_out_folds(data: Path) -> None:
    (name,), (held,) = photo_names(1), photo_names(1, held=True)
    everything = list_photos(data, ())
    assert {photo.path.parent.name for photo in everything} == {
        "n0000003", "Faces", "dog", "coco", "synthetic"
    }  # fmt: skip
    left = list_photos(data, {HELD_FOLD, fold_of(name)})
    assert not {photo.fold for photo in left} & {HELD_FOLD, fold_of(name)}
    assert held not in {photo.path.name for photo in left}
    assert [photo for photo in everything if photo in left] == left
