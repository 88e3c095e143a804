"""Arguments that contradict each other, single photos, and photos with the same result."""

import io
import sys
from pathlib import Path

import pytest
from PIL import Image

from app.client.command import find_result_format, split_conflicts
from app.client.ledger import LEDGER_NAME, Ledger
from app.client.sources import Source
from tests.app.client.fake_service import FakeService, problem
from tests.app.client.runs import run, size_of
from tests.photos import file_of, photo


def test_one_photo_is_written_to_the_named_file(
    fake_service: FakeService, album: Path, tmp_path: Path
) -> None:
    assert run(album / "b.png", "-o", tmp_path / "small.jpg", url=fake_service.url) == 0
    assert size_of(tmp_path / "small.jpg") == (60, 80)
    assert not (tmp_path / "small.jpg.jpg").exists()


def test_standard_input_goes_to_standard_output(
    fake_service: FakeService,
    monkeypatch: pytest.MonkeyPatch,
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    data = file_of(photo(80, 60))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert run("-", "-o", "-", "--width=40", url=fake_service.url) == 0
    printed = capsysbinary.readouterr()
    assert printed.err == b""
    assert Image.open(io.BytesIO(printed.out)).size == (40, 30)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"no photo")))
    assert run("-", url=fake_service.url) == 1
    printed = capsysbinary.readouterr()
    assert (printed.out, printed.err) == (b"", b"foveate: It is corrupt-image.\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["photo.jpg"], "say where results go"),
        (["none.jpg", "-o", "out"], "no such photo: none.jpg"),
        (["photo.jpg", "-o", "-"], "standard output takes one photo"),
        (["photo.jpg", "-o", "out", "--quality=101"], "'quality'"),
        (["photo.jpg", "-o", "out", "--max-bytes=many"], "'max_bytes'"),
        (["photo.jpg", "-o", "photo.jpg/out"], "folder of the results can't be written"),
        (["-", "photo.jpg", "-o", "-"], "takes one photo"),
        (["-", "--heatmap"], "the photo only"),
    ],
)
def test_a_wrong_command_does_nothing(
    fake_service: FakeService,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.jpg").write_bytes(b"photo")
    assert run(*arguments, url=fake_service.url) == 2
    error = capsys.readouterr().err
    assert error.startswith("foveate: ")
    assert message in error
    assert fake_service.requests == []


def test_a_folder_of_another_run_is_left_alone(
    fake_service: FakeService, album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Ledger(tmp_path / "out"):
        assert run(album, "-o", tmp_path / "out", url=fake_service.url) == 2
    assert "another run writes into" in capsys.readouterr().err


def test_a_service_that_refuses_the_key_ends_the_run(
    fake_service: FakeService,
    album: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("FOVEATE_API_KEY", "a-key")
    fake_service.prepared = [problem(401, "missing-key")]
    assert run(album, "-o", tmp_path / "out", "--jobs=1", url=fake_service.url) == 3
    assert capsys.readouterr().err == "foveate: It is missing-key.\n"
    assert fake_service.headers["Authorization"] == "Bearer a-key"
    assert [path.name for path in (tmp_path / "out").iterdir()] == [LEDGER_NAME]


def test_two_photos_with_one_result_conflict() -> None:
    sources = [
        Source(Path(root, name), Path(name), Path(root))
        for root, name in (("x", "a.jpg"), ("y", "a.jpg"), ("x", "b.jpg"))
    ]
    accepted, [conflict] = split_conflicts(sources, Path("out"), "jpeg", with_heatmaps=False)
    assert accepted == [sources[0], sources[2]]
    assert conflict.source == Path("y/a.jpg")
    assert conflict.detail == "its result would replace that of x/a.jpg"


def test_a_photo_may_be_named_like_the_heatmap_of_another() -> None:
    sources = [
        Source(Path("x", name), Path(name), Path("x")) for name in ("a.jpg", "a.jpg.heatmap.jpg")
    ]
    assert split_conflicts(sources, Path("out"), "jpeg", with_heatmaps=False)[1] == []
    _, [conflict] = split_conflicts(sources, Path("out"), "jpeg", with_heatmaps=True)
    assert conflict.source == Path("x/a.jpg.heatmap.jpg")


@pytest.mark.parametrize(
    ("output", "photos", "is_file"),
    [
        ("out.jpg", ["photo.png"], True),
        ("out.JPEG", ["photo.png"], True),
        ("out.jpg", ["photo.png", "photo.png"], False),
        ("out.jpg/", ["photo.png"], False),
        ("folder.jpg", ["photo.png"], False),
        ("out.jpg", ["album"], False),
        ("out", ["photo.png"], False),
    ],
)
def test_one_photo_may_name_its_result(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    output: str,
    photos: list[str],
    *,
    is_file: bool,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.png").write_bytes(b"photo")
    for folder in ("folder.jpg", "album"):
        (tmp_path / folder).mkdir()
    assert (find_result_format(output, photos) == "jpeg") is is_file


def test_the_ending_of_the_result_says_its_format(tmp_path: Path) -> None:
    photo_path = tmp_path / "a.jpg"
    photo_path.write_bytes(b"")
    (tmp_path / "folder.avif").mkdir()
    photos = [str(photo_path)]
    for output, expected in (
        ("b.avif", "avif"),
        ("b.AVIF", "avif"),
        ("b.jpe", "jpeg"),
        ("b", None),
    ):
        assert find_result_format(output, photos) == expected
    assert find_result_format(None, photos) is None
    assert find_result_format("b.avif/", photos) is None
    assert find_result_format(str(tmp_path / "folder.avif"), photos) is None
    assert find_result_format("b.avif", [*photos, *photos]) is None


def test_a_format_is_asked_for_by_its_name_or_ending(
    fake_service: FakeService, album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, result in (
        (["-o", tmp_path / "small.avif"], tmp_path / "small.avif"),
        (["-o", tmp_path / "out", "--format=avif"], tmp_path / "out" / "b.png.avif"),
    ):
        assert run(album / "b.png", *arguments, url=fake_service.url) == 0
        with Image.open(result) as opened:
            assert opened.format == "AVIF"
    other = ["-o", tmp_path / "c.avif", "--format=jpeg"]
    assert run(album / "b.png", *other, url=fake_service.url) == 2
    assert "is not the name of a file of the format jpeg" in capsys.readouterr().err
    in_place = [album / "b.png", "--in-place", "--format=avif"]
    assert run(*in_place, url=fake_service.url) == 1
    assert "--in-place replaces AVIFs only" in capsys.readouterr().err
