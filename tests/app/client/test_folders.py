"""What the command line finds, where it writes, and what it remembers; no service."""

import argparse
import json
import os
from pathlib import Path

import pytest

from app.client.arguments import add_arguments
from app.client.ledger import LEDGER_NAME, BusyFolderError, Entry, Ledger, digest_of
from app.client.names import shown
from app.client.sources import NoSuchPhotoError, Source, find_photos
from app.client.targets import NotWrittenError, clear_parts, heatmap_of, target_of, write_whole
from app.options import CompressOptions


def places(sources: list[Source]) -> list[str]:
    """Return where photos lie below what was named."""
    return [str(source.place) for source in sources]


def make(folder: Path, *names: str) -> None:
    """Create files with some bytes."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())


def test_folders_give_photos_by_name_in_order(tmp_path: Path) -> None:
    make(
        tmp_path,
        "b.JPG",
        "a.png",
        "sub/c.webp",
        "notes.txt",
        ".hidden.jpg",
        ".git/d.jpg",
        "out/e.jpg",
    )
    (tmp_path / "sub" / "loop").symlink_to(tmp_path, target_is_directory=True)
    found = find_photos([str(tmp_path)], leave_out=tmp_path / "out")
    assert places(found) == ["a.png", "b.JPG", "sub/c.webp"]
    assert {source.root for source in found} == {tmp_path}


def test_a_named_file_is_taken_whatever_it_is_called_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "photo", "sub/a.jpg", "[1].jpg")
    monkeypatch.chdir(tmp_path)
    assert places(find_photos(["photo", "./photo", "sub", "sub/a.jpg"])) == ["photo", "a.jpg"]
    # A name that is there isn't a glob, whatever it looks like.
    assert places(find_photos(["[1].jpg"])) == ["[1].jpg"]


def test_globs_are_expanded_where_no_shell_has(tmp_path: Path) -> None:
    make(tmp_path, "a.jpg", "b.jpg", "c.png", "x/d.jpg")
    assert places(find_photos([f"{tmp_path}/*.jpg"])) == ["a.jpg", "b.jpg"]
    assert places(find_photos([f"{tmp_path}/**/*.jpg"])) == ["a.jpg", "b.jpg", "d.jpg"]
    for name in (f"{tmp_path}/*.gif", f"{tmp_path}/none.jpg"):
        with pytest.raises(NoSuchPhotoError):
            find_photos([name])


def test_results_keep_names_apart() -> None:
    def target(place: str) -> str:
        return str(target_of(Source(Path("x", place), Path(place), Path("x")), Path("out")))

    assert target("a.jpg") == "out/a.jpg"
    assert target("a.png") == "out/a.png.jpg"
    assert target("sub/b.JPEG") == "out/sub/b.JPEG"
    assert target("no-suffix") == "out/no-suffix.jpg"
    assert str(heatmap_of(Path("out/a.jpg"), "image/png")) == "out/a.jpg.heatmap.png"
    assert str(heatmap_of(Path("out/a.jpg"), "image/jpeg")) == "out/a.jpg.heatmap.jpg"


def test_writing_is_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "new" / "a.jpg"
    write_whole(target, b"first")
    mask = os.umask(0)
    os.umask(mask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~mask
    target.chmod(0o640)
    write_whole(target, b"second", like=target)
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"second", 0o640)
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotWrittenError, match="File exists"):
        write_whole(tmp_path / "file" / "a.jpg", b"x")
    taken = tmp_path / "folder"
    taken.mkdir()
    with pytest.raises(NotWrittenError):
        write_whole(taken, b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder", "new"]


def test_only_the_parts_of_these_folders_are_cleared(tmp_path: Path) -> None:
    names = ["a/.foveate-x1.part", "a/b/.foveate-x2.part", "a/foveate.part", "a/.foveate-c.jpg"]
    make(tmp_path, *names)
    clear_parts([tmp_path / "a", tmp_path / "none"])
    assert [name for name in names if (tmp_path / name).exists()] == names[1:]


def test_a_ledger_believes_only_what_it_sees(tmp_path: Path) -> None:
    result, heatmap = tmp_path / "a.jpg", tmp_path / "a.jpg.heatmap.png"
    result.write_bytes(b"result")
    heatmap.write_bytes(b"map")
    done = Entry("a.jpg", "source", "{}", digest_of(result), heatmap.name, digest_of(heatmap))
    with Ledger(tmp_path) as ledger:
        assert not ledger.is_done(done)
        ledger.add(done)
        assert ledger.is_done(done)
    with Ledger(tmp_path) as ledger:
        assert ledger.is_done(Entry("a.jpg", "source", "{}"))
        assert not ledger.is_done(Entry("a.jpg", "another", "{}"))
        assert not ledger.is_done(Entry("a.jpg", "source", '{"quality": 1}'))
        heatmap.unlink()
        assert not ledger.is_done(done)
        assert ledger.is_ours("a.jpg")
        result.write_bytes(b"edited")
        assert not ledger.is_ours("a.jpg")


def test_a_ledger_outlives_a_killed_writer(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"old result")
    old = Entry("a.jpg", "source", "{}", digest_of(tmp_path / "a.jpg"))
    with Ledger(tmp_path) as ledger:
        ledger.add(old)
        # Told of, then killed before the result was in place: the old one is still ours.
        ledger.add(Entry("a.jpg", "source", '{"quality": 1}', "of what never came"))
    with (tmp_path / LEDGER_NAME).open("ab") as file:
        file.write(b'{"place": "b.jpg", "sour')
    with Ledger(tmp_path) as ledger:
        assert not ledger.is_done(Entry("a.jpg", "source", '{"quality": 1}'))
        assert ledger.is_ours("a.jpg")
        ledger.add(old)
    lines = (tmp_path / LEDGER_NAME).read_bytes().splitlines()
    assert json.loads(lines[-1])["place"] == "a.jpg"
    with Ledger(tmp_path) as ledger:
        assert ledger.is_done(old)


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"place": 1}',
        b"{}",
        b"\0" * 100,
        b'{"place": "a.jpg", "source_digest": 1, "options": "{}"}',
    ],
)
def test_a_damaged_ledger_costs_work_and_no_more(tmp_path: Path, line: bytes) -> None:
    (tmp_path / LEDGER_NAME).write_bytes(line + b"\n")
    with Ledger(tmp_path) as ledger:
        assert not ledger.is_done(Entry("a.jpg", "source", "{}"))


def test_a_folder_belongs_to_one_run(tmp_path: Path) -> None:
    with Ledger(tmp_path), pytest.raises(BusyFolderError):
        Ledger(tmp_path)
    Ledger(tmp_path).__exit__()


def test_names_are_shown_safely() -> None:
    assert shown(Path("a\nb\x1b[31m.jpg")) == "a\\nb\\x1b[31m.jpg"
    assert shown(Path(os.fsdecode(b"caf\xe9.jpg"))) == "caf\\xe9.jpg"
    assert shown(Path("café.jpg")) == "café.jpg"


def test_the_command_has_every_option_of_the_service() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    named = {action.dest for action in parser._actions if action.dest.startswith("option_")}
    assert named == {f"option_{name}" for name in CompressOptions.model_fields}
