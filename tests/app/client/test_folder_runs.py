"""Runs over folders: what is written, reported, skipped and continued."""

import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from app.client import parallel
from tests.app.client.fake_service import FakeService
from tests.app.client.runs import read_lines, run, size_of
from tests.conftest import require
from tests.photos import file_of, photo


def test_a_folder_with_a_damaged_photo_and_one_from_a_phone(
    fake_service: FakeService, album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The content is for the service to judge.
    (album / "phone.HEIC").write_bytes(file_of(photo(40, 30)))
    out = tmp_path / "out"
    assert run(album, "-o", out, url=fake_service.url) == 1
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [f"foveate: {album}/broken.jpg: It is corrupt-image."]
    assert printed.out.splitlines()[:2] == ["4  compressed", "1  failed"]
    assert size_of(out / "phone.HEIC.jpg") == (40, 30)
    assert size_of(out / "a.jpg") == (80, 60)
    assert size_of(out / "b.png.jpg") == (60, 80)
    assert size_of(out / "summer" / "c.webp.jpg") == (70, 50)
    assert len(fake_service.requests) == 5


def test_json_adds_up(
    fake_service: FakeService, album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    run(album, "-o", out, "--json", "--heatmap=map", "--quality=60", url=fake_service.url)
    outcomes, summary = read_lines(capsys.readouterr().out)
    assert set(outcomes) == {"a.jpg", "b.png", "c.webp", "broken.jpg"}
    assert outcomes["broken.jpg"]["problem"]["type"] == "corrupt-image"
    done = [outcome for outcome in outcomes.values() if outcome["state"] == "compressed"]
    assert summary["bytes_in"] == sum(outcome["bytes_in"] for outcome in done)
    assert summary["bytes_out"] == sum(Path(outcome["target"]).stat().st_size for outcome in done)
    assert (out / "a.jpg.heatmap.png").exists()
    assert {"quality=60" in path for method, path in fake_service.requests if method == "POST"} == {
        True
    }


def test_a_second_run_does_only_the_rest(
    fake_service: FakeService, album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    (album / "broken.jpg").unlink()

    def run_again(*options: str) -> dict[str, Any]:
        run(album, "-o", out, "--json", *options, url=fake_service.url)
        return read_lines(capsys.readouterr().out)[0]

    run_again()
    (out / ".foveate-half.part").write_bytes(b"\xff\xd8")
    (out / "b.png.jpg").write_bytes(b"edited since")
    (album / "summer" / "c.webp").write_bytes(file_of(photo(50, 50, 9), "WEBP"))
    outcomes = run_again()
    assert outcomes["a.jpg"]["state"] == "skipped"
    assert outcomes["b.png"]["problem"]["type"] == "not-written"
    assert outcomes["c.webp"]["state"] == "compressed"
    assert size_of(out / "summer" / "c.webp.jpg") == (50, 50)
    assert not list(out.rglob("*.part"))
    (out / "b.png.jpg").unlink()
    assert run_again()["b.png"]["state"] == "compressed"
    assert {outcome["state"] for outcome in run_again("--quality=30").values()} == {"compressed"}


def expand(pattern: str) -> list[Path]:
    """Return the files that a shell names for a pattern; it leaves hidden ones out."""
    found = Path().glob(pattern.removeprefix("shell:"))
    return [path for path in found if path.is_file() and not path.name.startswith(".")]


@pytest.mark.parametrize(
    ("names", "output"),
    [
        ("photos/**/*.*", "photos/out"),
        ("photos/**/*.*", "link/out"),
        ("shell:photos/**/*.*", "photos/out"),
        ("shell:photos/**/*.*", "link/out"),
        ("photos", "photos/sub/../out"),
        ("photos", "photos"),
        ("photos/*", "photos"),
        ("photos/sub/*", "photos"),
        ("photos/sub", "photos"),
        (".", "photos/out"),
        ("photos", "photos/sub"),
    ],
)
def test_a_second_run_takes_no_result_for_a_photo(
    fake_service: FakeService,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    names: str,
    output: str,
) -> None:
    (tmp_path / "photos" / "sub").mkdir(parents=True)
    for name in ("a.png", "sub/b.png"):
        (tmp_path / "photos" / name).write_bytes(file_of(photo(32, 24)))
    (tmp_path / "link").symlink_to("photos")
    monkeypatch.chdir(tmp_path)
    states = []
    for _ in range(2):
        named = expand(names) if names.startswith("shell:") else [names]
        assert run(*named, "-o", output, "--heatmap", "--json", url=fake_service.url) == 0
        outcomes, _ = read_lines(capsys.readouterr().out)
        states.append({name: outcome["state"] for name, outcome in outcomes.items()})
    assert set(states[0].values()) == {"compressed"}
    assert states[1] == dict.fromkeys(states[0], "skipped")


def test_a_second_run_in_place_takes_no_heatmap_for_a_photo(
    fake_service: FakeService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.jpg").write_bytes(file_of(photo(80, 60), "JPEG", quality=98))
    for state in ("compressed", "skipped"):
        assert run(tmp_path, "--in-place", "--heatmap", "--json", url=fake_service.url) == 0
        outcomes, _ = read_lines(capsys.readouterr().out)
        assert {name: outcome["state"] for name, outcome in outcomes.items()} == {"a.jpg": state}


def test_a_command_that_names_only_results_is_wrong(
    fake_service: FakeService, album: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    run(album / "a.jpg", "-o", f"{out}/", url=fake_service.url)
    assert run(out / "a.jpg", "-o", out, url=fake_service.url) == 2
    assert "results of earlier runs" in capsys.readouterr().err


def test_results_may_go_into_the_folder_of_the_photos(
    fake_service: FakeService, album: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (album / "a.jpg").read_bytes()
    run(album, "-o", album, "--json", "--overwrite", url=fake_service.url)
    outcomes, _ = read_lines(capsys.readouterr().out)
    assert "is an original" in outcomes["a.jpg"]["problem"]["detail"]
    assert (album / "a.jpg").read_bytes() == before
    assert outcomes["b.png"]["state"] == "compressed"


def test_results_in_place(
    fake_service: FakeService, album: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (album / "a.jpg").stat().st_size
    run(album, "--in-place", "--json", url=fake_service.url)
    outcomes, _ = read_lines(capsys.readouterr().out)
    assert outcomes["a.jpg"]["state"] == "compressed"
    assert "JPEGs only" in outcomes["b.png"]["problem"]["detail"]
    assert (album / "a.jpg").stat().st_size < before
    run(album, "--in-place", "--json", url=fake_service.url)
    outcomes, _ = read_lines(capsys.readouterr().out)
    assert outcomes["a.jpg"]["state"] == "skipped"


def test_unusual_names_are_kept(
    fake_service: FakeService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    names = [b"line\nbreak.jpg", b"caf\xe9.jpg", b"-o.jpg", b"\x1b[31mred.jpg", b"'quo te\".jpg"]
    for name in names:
        path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
        path.write_bytes(file_of(photo(32, 32), "JPEG", quality=95))
    for state in ("compressed", "skipped"):
        assert run(folder, "-o", tmp_path / "out", "--json", url=fake_service.url) == 0
        _, summary = read_lines(capsys.readouterr().out)
        assert summary[state] == len(names)
    assert {os.fsencode(path.name) for path in (tmp_path / "out").glob("*.jpg")} == set(names)


def test_an_interrupted_run_can_be_continued(
    fake_service: FakeService,
    album: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(parallel, "JOIN_TIMEOUT_S", 0.1)
    (album / "broken.jpg").unlink()
    fake_service.open.clear()
    threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGTERM]).start()
    arguments = (album, "-o", tmp_path / "out", "--json", "--jobs=1")
    assert run(*arguments, url=fake_service.url) == 130
    printed = capsys.readouterr()
    assert "interrupted; run the same command again to continue" in printed.err
    assert read_lines(printed.out)[1]["not_done"] == 3
    fake_service.open.set()
    assert run(*arguments, url=fake_service.url) == 0


def test_a_full_disk_ends_the_run(
    fake_service: FakeService, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    for folder in (photos, out):
        folder.mkdir()
    for number in range(20):
        data = file_of(photo(160, 120, number), "JPEG", quality=98)
        (photos / f"{number}.jpg").write_bytes(data)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(out)]
    require(os.geteuid() == 0, "needs root, to mount a small disk")
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        code = run(photos, "-o", out, "--json", "--quality=95", "--jobs=1", url=fake_service.url)
        printed = capsys.readouterr()
        assert code == 1
        assert "No space left on device; run the same command again" in printed.err
        assert read_lines(printed.out)[1]["not_done"] > 0
        assert not list(out.rglob("*.part"))
    finally:
        subprocess.run(["umount", str(out)], check=True)
