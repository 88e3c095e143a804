"""What a ledger takes for done."""

import json
from pathlib import Path

import pytest

from app.client.ledger import LEDGER_NAME, BusyFolderError, Entry, Ledger, hash_file


def test_a_result_counts_only_while_its_file_is_unchanged(tmp_path: Path) -> None:
    result, heatmap = tmp_path / "a.jpg", tmp_path / "a.jpg.heatmap.png"
    result.write_bytes(b"result")
    heatmap.write_bytes(b"map")
    entry = Entry("a.jpg", "source", "{}", hash_file(result), heatmap.name, hash_file(heatmap))
    with Ledger(tmp_path) as ledger:
        assert not ledger.is_done(entry)
        ledger.add(entry)
        assert ledger.is_done(entry)
    with Ledger(tmp_path) as ledger:
        assert ledger.is_done(Entry("a.jpg", "source", "{}"))
        assert not ledger.is_done(Entry("a.jpg", "another", "{}"))
        assert not ledger.is_done(Entry("a.jpg", "source", '{"quality": 1}'))
        heatmap.unlink()
        assert not ledger.is_done(entry)
        assert ledger.is_ours("a.jpg")
        result.write_bytes(b"edited")
        assert not ledger.is_ours("a.jpg")


def test_a_photo_that_is_itself_a_result_is_recognised(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.add(Entry("a.jpg", "source", "{}", "result"))
        assert ledger.is_result(Entry("a.jpg", "result", "{}"))
        assert not ledger.is_result(Entry("a.jpg", "result", '{"quality": 1}'))
        assert not ledger.is_result(Entry("a.jpg", "source", "{}"))


def test_files_that_a_run_has_made_are_recognised_by_any_path(tmp_path: Path) -> None:
    folder, link = tmp_path / "out", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder)
    result, heatmap = folder / "a.jpg", folder / "a.jpg.heatmap.png"
    result.write_bytes(b"result")
    heatmap.write_bytes(b"map")
    (folder / "other.jpg").write_bytes(b"result")
    with Ledger(link) as ledger:
        ledger.add(
            Entry("a.jpg", "source", "{}", hash_file(result), heatmap.name, hash_file(heatmap))
        )
        for path in (result, link / "a.jpg", tmp_path / "out" / ".." / "out" / "a.jpg"):
            assert ledger.has_made(path, heatmaps_only=False)
            assert not ledger.has_made(path, heatmaps_only=True)
        assert ledger.has_made(heatmap, heatmaps_only=False)
        assert ledger.has_made(heatmap, heatmaps_only=True)
        assert not ledger.has_made(folder / "other.jpg", heatmaps_only=False)
        result.write_bytes(b"edited")
        assert not ledger.has_made(result, heatmaps_only=False)


def test_a_ledger_survives_a_killed_run(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"old result")
    old = Entry("a.jpg", "source", "{}", hash_file(tmp_path / "a.jpg"))
    with Ledger(tmp_path) as ledger:
        ledger.add(old)
        # Recorded, then killed before the result was written: the old file is still a result.
        ledger.add(Entry("a.jpg", "source", '{"quality": 1}', "never written"))
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
def test_a_damaged_line_is_ignored(tmp_path: Path, line: bytes) -> None:
    (tmp_path / LEDGER_NAME).write_bytes(line + b"\n")
    with Ledger(tmp_path) as ledger:
        assert not ledger.is_done(Entry("a.jpg", "source", "{}"))


def test_a_folder_is_locked_by_one_run(tmp_path: Path) -> None:
    with Ledger(tmp_path), pytest.raises(BusyFolderError):
        Ledger(tmp_path)
    Ledger(tmp_path).__exit__()
