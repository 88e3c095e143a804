"""Paths of results, and how they are written."""

import errno
import os
from pathlib import Path

import pytest

from app.client.result_files import (
    NotWrittenError,
    heatmap_path,
    remove_partial_files,
    result_path,
    write_atomically,
)
from app.client.sources import Source


def test_results_of_different_photos_have_different_names() -> None:
    def result(name: str) -> str:
        return str(result_path(Source(Path("x", name), Path(name), Path("x")), Path("out")))

    assert result("a.jpg") == "out/a.jpg"
    assert result("a.png") == "out/a.png.jpg"
    assert result("sub/b.JPEG") == "out/sub/b.JPEG"
    assert result("no-suffix") == "out/no-suffix.jpg"
    assert str(heatmap_path(Path("out/a.jpg"), "image/png")) == "out/a.jpg.heatmap.png"
    assert str(heatmap_path(Path("out/a.jpg"), "image/jpeg")) == "out/a.jpg.heatmap.jpg"


def test_a_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.jpg"
    write_atomically(target, b"first")
    mask = os.umask(0)
    os.umask(mask)
    assert target.read_bytes() == b"first"
    assert target.stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_replacement_keeps_the_permissions_of_the_original(tmp_path: Path) -> None:
    target = tmp_path / "a.jpg"
    target.write_bytes(b"first")
    target.chmod(0o640)
    write_atomically(target, b"second", replaces=target)
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"second", 0o640)


def test_a_failed_write_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotWrittenError, match="File exists"):
        write_atomically(tmp_path / "file" / "a.jpg", b"x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(NotWrittenError):
        write_atomically(tmp_path / "folder", b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.parametrize(
    ("number", "is_full"), [(errno.ENOSPC, True), (errno.EDQUOT, True), (errno.EACCES, False)]
)
def test_a_full_disk_is_told_from_other_errors(number: int, *, is_full: bool) -> None:
    error = NotWrittenError(Path("a.jpg"), OSError(number, os.strerror(number)))
    assert error.is_full is is_full
    assert str(error) == f"a.jpg can't be written: {os.strerror(number)}"


def test_only_partial_files_are_removed_and_only_in_these_folders(tmp_path: Path) -> None:
    names = ["a/.foveate-x1.part", "a/b/.foveate-x2.part", "a/foveate.part", "a/.foveate-c.jpg"]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    remove_partial_files([tmp_path / "a", tmp_path / "none"])
    assert [name for name in names if (tmp_path / name).exists()] == names[1:]


def test_results_of_other_formats_have_their_suffix() -> None:
    def name_result(name: str) -> str:
        return str(result_path(Source(Path("x", name), Path(name), Path("x")), Path("out"), "avif"))

    assert name_result("a.avif") == "out/a.avif"
    assert name_result("a.AVIF") == "out/a.AVIF"
    assert name_result("a.jpg") == "out/a.jpg.avif"
    assert name_result("sub/a.png") == "out/sub/a.png.avif"
