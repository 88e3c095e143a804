import shutil

import pytest

from bench.formats.matrix import heic


@pytest.mark.skipif(shutil.which("heif-enc") is None, reason="needs libheif-examples")
def test_files_are_written_by_libheif() -> None:
    file = heic.encode("heic-420-10.heic", heic.stored(10, alpha=True), 10, "-p", "chroma=420")
    assert file.name == "heic-420-10.heic"
    assert file.data[4:12] == b"ftypheic" or file.data[4:12] == b"ftypheix"


def test_there_are_none_without_libheif(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert heic.make_files() == []
