"""``foveate compress`` over the real service; tests/app/client has the rest, over a fake one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
from PIL import Image

from app.client.ledger import LEDGER_NAME
from tests.app.client.runs import read_lines, size_of
from tests.integration.running import ROOT, Running, wait_for
from tests.photos import file_of, photo

COMMAND = [sys.executable, "-m", "app", "compress"]


def run(*arguments: str | Path, url: str) -> "subprocess.CompletedProcess[bytes]":
    """Run the command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments, "--url", url],
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_photos_that_cannot_be_compressed_stop_no_others(service: Running, tmp_path: Path) -> None:
    album, out = tmp_path / "album", tmp_path / "out"
    (album / "summer").mkdir(parents=True)
    whole = file_of(photo(160, 120, 1), "JPEG", quality=98)
    (album / "a.jpg").write_bytes(whole)
    (album / "broken.jpg").write_bytes(whole[: len(whole) // 2])
    (album / "summer" / "c.webp").write_bytes(file_of(photo(140, 100, 3), "WEBP"))
    with (album / "huge.jpg").open("wb") as file:
        file.write(whole)
        file.truncate(100_000_000)
    ended = run(album, "-o", out, "--json", "--heatmap=map", "--quality", "60", url=service.url)
    assert ended.returncode == 1, ended.stderr
    outcomes, summary = read_lines(ended.stdout)
    assert outcomes["broken.jpg"]["problem"]["type"] == "corrupt-image"
    # The service responds before it has read the whole body, and closes the connection.
    assert outcomes["huge.jpg"]["problem"]["type"] == "body-too-large"
    assert size_of(out / "a.jpg") == (160, 120)
    assert size_of(out / "summer" / "c.webp.jpg") == (140, 100)
    with Image.open(out / "a.jpg.heatmap.png") as heatmap:
        assert (heatmap.format, heatmap.mode) == ("PNG", "L")
    assert (summary["compressed"], summary["failed"]) == (2, 2)
    named = run(
        album / "a.jpg", "-o", f"{tmp_path}/named/", "--heatmap", "classes", url=service.url
    )
    assert named.returncode == 0, named.stderr
    with Image.open(tmp_path / "named" / "a.jpg.heatmap.jpg") as heatmap:
        assert (heatmap.format, heatmap.size) == ("JPEG", (160, 120))
    outcomes, _ = read_lines(run(album / "a.jpg", "--in-place", "--json", url=service.url).stdout)
    assert outcomes["a.jpg"]["state"] == "compressed"
    assert (album / "a.jpg").stat().st_size < len(whole)


def test_an_interrupted_and_a_killed_run_are_continued(service: Running, tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    count = 40
    for number in range(count):
        data = file_of(photo(300, 200, 50 + number), "JPEG", quality=95)
        (photos / f"{number:02}.jpg").write_bytes(data)

    def start_and_signal(number: int) -> tuple[int, bytes, bytes]:
        """Send a signal once there are some new results."""
        before = len(list(out.glob("*.jpg")))
        process = subprocess.Popen(
            [*COMMAND, photos, "-o", out, "--jobs=2", "--json", "--url", service.url],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        wait_for(lambda: len(list(out.glob("*.jpg"))) > before + 1, 60, "for some results")
        process.send_signal(number)
        output, errors = process.communicate(timeout=20)
        return process.returncode, output, errors

    code, output, errors = start_and_signal(signal.SIGINT)
    assert code == 130, errors
    assert errors == b"foveate: interrupted; run the same command again to continue\n"
    assert read_lines(output)[1]["not_done"] > 0
    assert not list(out.rglob("*.part"))
    start_and_signal(signal.SIGKILL)
    done = {path.name for path in out.glob("*.jpg")}
    assert len(done) < count
    ended = run(photos, "-o", out, "--json", url=service.url)
    assert ended.returncode == 0, ended.stderr
    outcomes, _ = read_lines(ended.stdout)
    assert {name for name, outcome in outcomes.items() if outcome["state"] == "skipped"} == done
    assert all(size_of(out / name) == (300, 200) for name in outcomes)
    assert sorted(path.name for path in out.iterdir()) == [LEDGER_NAME, *sorted(outcomes)]


def test_a_service_for_one_run_ends_with_it(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(file_of(photo(160, 120)))
    environment = {**os.environ, "TMPDIR": str(tmp_path), "API_KEYS": "x" * 20}
    environment.pop("FOVEATE_URL", None)
    command = [*COMMAND, tmp_path / "a.png", "-o", tmp_path / "out"]
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert b"starting a service" in ended.stderr
    assert size_of(tmp_path / "out" / "a.png.jpg") == (160, 120)
    assert not list(tmp_path.glob("foveate-*"))
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    wait_for(lambda: list(tmp_path.glob("foveate-*/redis.sock")), 60, "for its Redis")
    family = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive
