"""What becomes of one photo: skipped, compressed and written, or failed with a reason."""

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.client import compressor as module
from app.client.compressor import Compressor, compress_stream, to_absolute
from app.client.ledger import Ledger
from app.client.result_files import NotWrittenError
from app.client.sender import Compressed, RefusedError
from app.client.sources import Source

RESULT = Compressed(b"result", None, "", unchanged=False)


class FakeSender:
    """Returns ``result`` for each photo, after calling ``meanwhile``."""

    def __init__(self) -> None:
        self.result = RESULT
        self.sent: list[Path | bytes] = []
        self.meanwhile = lambda: None

    def send(self, photo: Path | bytes, _: object) -> Compressed:
        """Return the prepared result."""
        self.sent.append(photo)
        self.meanwhile()
        return self.result


@pytest.fixture
def sender() -> FakeSender:
    return FakeSender()


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """Return a photo in a folder."""
    path = tmp_path / "photos" / "a.jpg"
    path.parent.mkdir()
    path.write_bytes(b"original")
    return Source(path, Path("a.jpg"), path.parent)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Return the folder of the results."""
    return tmp_path / "out"


@pytest.fixture
def compressor(sender: FakeSender, source: Source, out: Path) -> Iterator[Compressor]:
    """Return a compressor into ``out``."""
    with Ledger(out) as ledger:
        yield make(sender, {out: ledger}, out, [source])


@pytest.fixture
def in_place(sender: FakeSender, source: Source) -> Iterator[Compressor]:
    """Return a compressor that replaces originals."""
    with Ledger(source.root) as ledger:
        yield make(sender, {source.root: ledger}, None, [source])


def make(
    sender: Any, ledgers: dict[Path, Ledger], folder: Path | None, sources: list[Source]
) -> Compressor:
    """Return a compressor without options."""
    originals = frozenset(to_absolute(source.path) for source in sources)
    return Compressor(sender, {}, "{}", ledgers, folder, originals, overwrite=False)


def test_a_result_is_written_and_not_made_again(
    compressor: Compressor, sender: FakeSender, source: Source, out: Path
) -> None:
    outcome = compressor.compress(source)
    assert (outcome.state, outcome.bytes_in, outcome.bytes_out) == ("compressed", 8, 6)
    assert (out / "a.jpg").read_bytes() == b"result"
    assert compressor.compress(source).state == "skipped"
    source.path.write_bytes(b"another")
    assert compressor.compress(source).state == "compressed"
    assert len(sender.sent) == 2


def test_a_heatmap_is_written_beside_the_result(
    compressor: Compressor, sender: FakeSender, source: Source, out: Path
) -> None:
    sender.result = Compressed(b"result", b"map", "image/png", unchanged=False)
    outcome = compressor.compress(source)
    assert outcome.heatmap == out / "a.jpg.heatmap.png"
    assert outcome.heatmap.read_bytes() == b"map"
    outcome.heatmap.unlink()
    assert compressor.compress(source).state == "compressed"


def test_an_original_is_never_replaced_by_a_result_in_a_folder(
    compressor: Compressor, source: Source, out: Path
) -> None:
    (out / "a.jpg").hardlink_to(source.path)
    outcome = compressor.compress(source)
    assert (outcome.state, outcome.code) == ("failed", "not-written")
    assert "is an original" in outcome.detail
    assert source.path.read_bytes() == b"original"


def test_an_unknown_file_is_replaced_only_with_overwrite(
    compressor: Compressor, source: Source, out: Path
) -> None:
    (out / "a.jpg").write_bytes(b"someone else's")
    outcome = compressor.compress(source)
    assert "--overwrite replaces it" in outcome.detail
    assert (out / "a.jpg").read_bytes() == b"someone else's"
    object.__setattr__(compressor, "overwrite", True)
    assert compressor.compress(source).state == "compressed"


def test_a_folder_is_not_replaced(compressor: Compressor, source: Source, out: Path) -> None:
    (out / "a.jpg").mkdir()
    assert "is a folder" in compressor.compress(source).detail


def test_a_photo_that_changes_while_it_is_sent_fails(
    compressor: Compressor, sender: FakeSender, source: Source, out: Path
) -> None:
    sender.meanwhile = lambda: source.path.write_bytes(b"longer than before") and None
    assert "changed while it was read" in compressor.compress(source).detail
    assert not (out / "a.jpg").exists()


@pytest.mark.parametrize("make_file", [Path.absolute, Path.mkdir, os.mkfifo])
def test_only_a_regular_file_is_read(
    compressor: Compressor, sender: FakeSender, source: Source, make_file: Any
) -> None:
    source.path.unlink()
    make_file(source.path)
    outcome = compressor.compress(source)
    assert (outcome.code, outcome.detail) == ("not-read", "no such file, or not a regular file")
    assert sender.sent == []


def test_a_refused_photo_fails_with_the_problem_of_the_service(
    compressor: Compressor, sender: FakeSender, source: Source
) -> None:
    def refuse() -> None:
        raise RefusedError("corrupt-image", "It is damaged.")

    sender.meanwhile = refuse
    outcome = compressor.compress(source)
    assert (outcome.state, outcome.code, outcome.detail) == (
        "failed",
        "corrupt-image",
        "It is damaged.",
    )


@pytest.mark.parametrize(("number", "ends"), [(28, True), (13, False)])  # ENOSPC, EACCES
def test_only_a_full_disk_ends_the_run(
    compressor: Compressor,
    source: Source,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    *,
    ends: bool,
) -> None:
    def fail(path: Path, *_: object, **__: object) -> None:
        raise NotWrittenError(path, OSError(number, "no"))

    monkeypatch.setattr(module, "write_atomically", fail)
    if ends:
        with pytest.raises(NotWrittenError):
            compressor.compress(source)
    else:
        assert compressor.compress(source).code == "not-written"


def test_a_result_in_place_is_not_compressed_again(
    in_place: Compressor, sender: FakeSender, source: Source
) -> None:
    source.path.chmod(0o640)
    assert in_place.compress(source).state == "compressed"
    assert source.path.read_bytes() == b"result"
    assert source.path.stat().st_mode & 0o777 == 0o640
    assert in_place.compress(source).state == "skipped"
    assert len(sender.sent) == 1


def test_an_unchanged_photo_in_place_is_not_written(
    in_place: Compressor, sender: FakeSender, source: Source
) -> None:
    sender.result = Compressed(b"original", None, "", unchanged=True)
    before = source.path.stat().st_ino
    assert in_place.compress(source).state == "unchanged"
    assert source.path.stat().st_ino == before


def test_in_place_takes_jpegs_only(in_place: Compressor, source: Source) -> None:
    png = Source(source.path.with_suffix(".png"), Path("a.png"), source.root)
    png.path.write_bytes(b"png")
    assert "JPEGs only" in in_place.compress(png).detail


def test_a_stream_has_a_limit(sender: Any) -> None:
    assert compress_stream(sender, {}, io.BytesIO(b"1234"), 4) is RESULT
    with pytest.raises(RefusedError, match="more than 4 bytes"):
        compress_stream(sender, {}, io.BytesIO(b"12345"), 4)
    assert sender.sent == [b"1234"]
