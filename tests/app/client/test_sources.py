"""Which files a command finds."""

import os
from pathlib import Path

import pytest

from app.client.sources import NoSuchPhotoError, Source, escape_path, find_photos


def relative_paths(sources: list[Source]) -> list[str]:
    """Return the photos' paths relative to what was named."""
    return [str(source.relative_path) for source in sources]


def make_files(folder: Path, *names: str) -> None:
    """Create files that contain their names."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def test_photos_of_a_folder_are_found_by_suffix_and_sorted(tmp_path: Path) -> None:
    make_files(
        tmp_path,
        "b.JPG",
        "a.png",
        "sub/c.webp",
        "sub/d.HEIC",
        "notes.txt",
        ".hidden.jpg",
        ".git/d.jpg",
        "out/e.jpg",
    )
    (tmp_path / "sub" / "loop").symlink_to(tmp_path, target_is_directory=True)
    found = find_photos([str(tmp_path)], exclude=tmp_path / "out")
    assert relative_paths(found) == ["a.png", "b.JPG", "sub/c.webp", "sub/d.HEIC"]
    assert {source.root for source in found} == {tmp_path}


def test_a_named_file_is_taken_whatever_its_suffix_and_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_files(tmp_path, "photo", "sub/a.jpg", "[1].jpg")
    monkeypatch.chdir(tmp_path)
    found = find_photos(["photo", "./photo", "sub", "sub/a.jpg"])
    assert relative_paths(found) == ["photo", "a.jpg"]
    # An existing file is not a glob, even if its name looks like one.
    assert relative_paths(find_photos(["[1].jpg"])) == ["[1].jpg"]


def test_globs_are_expanded(tmp_path: Path) -> None:
    make_files(tmp_path, "a.jpg", "b.jpg", "c.png", "x/d.jpg")
    assert relative_paths(find_photos([f"{tmp_path}/*.jpg"])) == ["a.jpg", "b.jpg"]
    assert relative_paths(find_photos([f"{tmp_path}/**/*.jpg"])) == ["a.jpg", "b.jpg", "d.jpg"]
    for name in (f"{tmp_path}/*.gif", f"{tmp_path}/none.jpg"):
        with pytest.raises(NoSuchPhotoError):
            find_photos([name])


def test_a_glob_does_not_match_earlier_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_files(tmp_path, "photos/a.jpg", "photos/out/a.jpg")
    monkeypatch.chdir(tmp_path)
    found = find_photos(["photos/**/*.jpg"], exclude=Path("photos/out"))
    assert [source.path for source in found] == [Path("photos/a.jpg")]


@pytest.mark.parametrize("exclude", [".", "photos", "photos/out"])
def test_names_in_the_folder_of_the_results_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exclude: str
) -> None:
    make_files(tmp_path, "photos/out/a.jpg")
    monkeypatch.chdir(tmp_path)
    for name in ("photos/out/*.jpg", "photos/out", "photos/out/[a].jpg"):
        assert relative_paths(find_photos([name], exclude=Path(exclude))) == ["a.jpg"]


def test_paths_are_escaped_for_messages() -> None:
    assert escape_path(Path("a\nb\x1b[31m.jpg")) == "a\\nb\\x1b[31m.jpg"
    assert escape_path(Path(os.fsdecode(b"caf\xe9.jpg"))) == "caf\\xe9.jpg"
    assert escape_path(Path("café.jpg")) == "café.jpg"
