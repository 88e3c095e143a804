"""Entries that are no text are named once, and removed; the others are returned."""

import pytest

from app.liveness.entries import read_texts


def test_entries_that_are_no_text_are_logged_and_removed(caplog: pytest.LogCaptureFixture) -> None:
    removed: list[bytes] = []
    entries = [b"a", b"\xff\n", "ü".encode(), b"\xff\n", b"\xfe" * 9999, b""]
    assert read_texts(entries, removed.append, "the list") == ["a", "ü", ""]
    assert sorted(removed) == [b"\xfe" * 9999, b"\xff\n"]
    first, second = sorted(caplog.messages, key=len)
    assert first == r"the list has an entry that is no text; removing it: b'\xff\n'"
    assert len(second) < 500
