from collections import Counter
from pathlib import Path

import pytest

from model.training.photos import FOLDS, find_photos, fold_of, is_held
from tests.model.training.synthetic import photo_names, write_photo, write_synsets

NAME = photo_names(1)[0]


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
    assert (found.path, found.synset, found.person) == (path, 1, None)


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
    ("folder", "person"),
    [
        ("caltech101/Faces", True),
        ("caltech101/Faces_easy", True),
        ("pacs_photo/person", True),
        ("caltech101/anchor", False),
        ("pacs_photo/dog", False),
        ("caltech101/BACKGROUND_Google", None),
        ("imagenette/n01", None),
        ("imagenet_val", None),
    ],
)
def test_the_folder_tells_whether_a_person_is_in_the_photo(
    root: Path, folder: str, person: bool | None
) -> None:
    write_photo(root / folder / NAME)
    (found,) = find_photos(root)
    assert found.person is person


def test_held_out_photos_and_other_files_are_ignored(root: Path) -> None:
    for name in photo_names(3, held=True):
        write_photo(root / "pacs_photo" / "dog" / name)
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
    write_photo(root / "pacs_photo" / "dog" / photo_names(1, held=True)[0])
    with pytest.raises(FileNotFoundError, match="no photos below"):
        find_photos(root)


def test_a_folder_without_the_list_of_synsets_is_an_error(tmp_path: Path) -> None:
    write_photo(tmp_path / "pacs_photo" / "dog" / NAME)
    with pytest.raises(FileNotFoundError, match=r"imagenet_synsets\.tsv"):
        find_photos(tmp_path)
