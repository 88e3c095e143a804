"""``python -m app compress`` over the real service, as a person runs it."""

import fcntl
import io
import json
import os
import pty
import resource
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from app.client.ledger import LEDGER_NAME, Ledger
from tests.conftest import require
from tests.integration.running import ROOT, Running, run_service, wait_for
from tests.photos import file_of, photo

COMMAND = [sys.executable, "-m", "app", "compress"]
COUNT = 40


def run(
    *arguments: str | Path, url: str | None, **options: Any
) -> "subprocess.CompletedProcess[bytes]":
    """Run the command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=ROOT,
        env={**os.environ, **({"FOVEATE_URL": url} if url else {})},
        capture_output=True,
        timeout=120,
        check=False,
        **options,
    )


def lines_of(ended: "subprocess.CompletedProcess[bytes]") -> tuple[dict[str, Any], dict[str, int]]:
    """Return the outcomes by their sources' names, and the summary, of a run with ``--json``."""
    *outcomes, last = map(json.loads, ended.stdout.splitlines())
    return {Path(outcome["source"]).name: outcome for outcome in outcomes}, last["summary"]


def size_of(path: Path) -> tuple[int, int]:
    """Return width and height of a JPEG that decodes as a whole."""
    with Image.open(path) as picture:
        assert picture.format == "JPEG"
        picture.load()
        return picture.size


@pytest.fixture
def album(tmp_path: Path) -> Path:
    """Return a folder of photos, one of them damaged, with other files in between."""
    folder = tmp_path / "album"
    (folder / "summer").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(file_of(photo(160, 120, 1), "JPEG", quality=98))
    (folder / "b.png").write_bytes(file_of(photo(120, 160, 2)))
    (folder / "summer" / "c.webp").write_bytes(file_of(photo(140, 100, 3), "WEBP"))
    whole = file_of(photo(160, 120, 4), "JPEG", quality=95)
    (folder / "broken.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "notes.txt").write_bytes(b"not a photo")
    return folder


def test_a_folder_with_a_damaged_photo(service: Running, album: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = run(album, "-o", out, "--json", "--heatmap=map", "--quality", "60", url=service.url)
    assert ended.returncode == 1
    outcomes, summary = lines_of(ended)
    assert set(outcomes) == {"a.jpg", "b.png", "c.webp", "broken.jpg"}
    problem = outcomes["broken.jpg"]["problem"]
    assert problem["type"] == "corrupt-image"
    assert f"broken.jpg: {problem['detail']}" in ended.stderr.decode()
    assert size_of(out / "a.jpg") == (160, 120)
    assert size_of(out / "b.png.jpg") == (120, 160)
    assert size_of(out / "summer" / "c.webp.jpg") == (140, 100)
    with Image.open(out / "a.jpg.heatmap.png") as heatmap:
        assert (heatmap.format, heatmap.mode) == ("PNG", "L")
    assert {key: summary[key] for key in ("photos", "compressed", "failed", "not_done")} == {
        "photos": 4,
        "compressed": 3,
        "failed": 1,
        "not_done": 0,
    }
    done = [outcome for outcome in outcomes.values() if outcome["state"] == "compressed"]
    assert summary["bytes_out"] == sum(Path(outcome["target"]).stat().st_size for outcome in done)
    assert summary["bytes_in"] == sum(outcome["bytes_in"] for outcome in done)


def test_a_second_run_does_only_the_rest(service: Running, album: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (album / "broken.jpg").unlink()
    assert run(album, "-o", out, url=service.url).returncode == 0
    written = (out / "a.jpg").stat().st_mtime_ns
    (out / "b.png.jpg").write_bytes(b"damaged meanwhile")
    (album / "summer" / "c.webp").write_bytes(file_of(photo(100, 100, 9), "WEBP"))
    ended = run(album, "-o", out, "--json", url=service.url)
    outcomes, _ = lines_of(ended)
    assert outcomes["a.jpg"]["state"] == "skipped"
    assert (out / "a.jpg").stat().st_mtime_ns == written
    # What somebody has written over a result isn't ours to replace.
    assert outcomes["b.png"]["problem"]["type"] == "not-written"
    assert "--overwrite" in outcomes["b.png"]["problem"]["detail"]
    assert outcomes["c.webp"]["state"] == "compressed"
    assert size_of(out / "summer" / "c.webp.jpg") == (100, 100)
    (out / "b.png.jpg").unlink()
    outcomes, _ = lines_of(run(album, "-o", out, "--json", url=service.url))
    assert outcomes["b.png"]["state"] == "compressed"
    outcomes, _ = lines_of(run(album, "-o", out, "--json", "--quality=40", url=service.url))
    assert {outcome["state"] for outcome in outcomes.values()} == {"compressed"}


def test_a_killed_run_is_resumed(service: Running, tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    for number in range(COUNT):
        (photos / f"{number:02}.jpg").write_bytes(
            file_of(photo(300, 200, 50 + number), "JPEG", quality=95)
        )
    process = subprocess.Popen(
        [*COMMAND, photos, "-o", out, "--jobs", "2", "--url", service.url],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    wait_for(lambda: len(list(out.glob("*.jpg"))) >= 3, 60, "for some results")
    process.kill()
    process.wait()
    (out / ".foveate-half.part").write_bytes(b"\xff\xd8")
    there = {path.name for path in out.glob("*.jpg")}
    assert len(there) < COUNT
    ended = run(photos, "-o", out, "--json", url=service.url)
    assert ended.returncode == 0, ended.stderr
    outcomes, summary = lines_of(ended)
    assert {name for name, outcome in outcomes.items() if outcome["state"] == "skipped"} == there
    assert summary["compressed"] == COUNT - len(there)
    assert all(size_of(out / name) == (300, 200) for name in outcomes)
    assert sorted(path.name for path in out.iterdir()) == [LEDGER_NAME, *sorted(outcomes)]


def test_originals_and_strangers_stay(service: Running, album: Path, tmp_path: Path) -> None:
    before = (album / "a.jpg").read_bytes()
    outcomes, _ = lines_of(run(album, "-o", album, "--json", "--overwrite", url=service.url))
    assert "is an original" in outcomes["a.jpg"]["problem"]["detail"]
    assert (album / "a.jpg").read_bytes() == before
    assert outcomes["b.png"]["state"] == "compressed"
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.jpg").write_bytes(b"somebody else's")
    outcomes, _ = lines_of(run(album / "a.jpg", "-o", out, "--json", url=service.url))
    assert outcomes["a.jpg"]["problem"]["type"] == "not-written"
    assert (out / "a.jpg").read_bytes() == b"somebody else's"
    ended = run(album / "a.jpg", "-o", out, "--overwrite", url=service.url)
    assert ended.returncode == 0
    assert size_of(out / "a.jpg") == (160, 120)
    # Two photos for one place: the second is told, not lost.
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.jpg").write_bytes(file_of(photo(90, 90), "JPEG"))
    ended = run(album / "a.jpg", other / "a.jpg", "-o", tmp_path / "both", url=service.url)
    assert ended.returncode == 1
    assert "would take the place of that of" in ended.stderr.decode()
    assert size_of(tmp_path / "both" / "a.jpg") == (160, 120)


def test_no_result_takes_the_place_of_a_heatmap(service: Running, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, name in enumerate(("a.jpg", "a.jpg.heatmap.jpg")):
        (folder / name).write_bytes(file_of(photo(120, 90, number), "JPEG", quality=95))
    ended = run(folder, "-o", tmp_path / "out", "--heatmap=overlay", "--json", url=service.url)
    outcomes, summary = lines_of(ended)
    assert summary["failed"] == 1
    assert "would take the place" in outcomes["a.jpg.heatmap.jpg"]["problem"]["detail"]


def test_results_in_place(service: Running, album: Path) -> None:
    original = album / "a.jpg"
    original.chmod(0o640)
    before = original.stat().st_size
    outcomes, _ = lines_of(run(album, "--in-place", "--json", url=service.url))
    assert outcomes["a.jpg"]["state"] == "compressed"
    assert "only a JPEG" in outcomes["b.png"]["problem"]["detail"]
    result = original.read_bytes()
    assert len(result) < before
    assert original.stat().st_mode & 0o777 == 0o640
    outcomes, _ = lines_of(run(album, "--in-place", "--json", url=service.url))
    assert outcomes["a.jpg"]["state"] == "skipped"
    assert original.read_bytes() == result


def test_standard_input_and_output(service: Running, tmp_path: Path) -> None:
    data = file_of(photo(160, 120))
    ended = run("-", "-o", "-", "--width=80", url=service.url, input=data)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == b""
    assert Image.open(io.BytesIO(ended.stdout)).size == (80, 60)
    ended = run("-", url=service.url, input=b"no photo")
    assert (ended.returncode, ended.stdout) == (1, b"")
    assert b"foveate: " in ended.stderr
    with (tmp_path / "a.jpg").open("wb") as file:
        file.write(data)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["photo.jpg"], "say where results go"),
        (["none.jpg", "-o", "out"], "no such photo: none.jpg"),
        (["photo.jpg", "-o", "-"], "standard output takes one photo"),
        (["photo.jpg", "-o", "out", "--quality=101"], "'quality'"),
        (["photo.jpg", "-o", "out", "--max-bytes=many"], "'max_bytes'"),
        (["photo.jpg", "-o", "photo.jpg/out"], "can't write there"),
        (["-", "photo.jpg", "-o", "-"], "alone"),
        (["-", "--heatmap"], "the JPEG only"),
        (["photo.jpg", "-o", "out", "--jobs=0"], "at least 1"),
        (["photo.jpg", "-o", "out", "--in-place"], "not allowed with"),
    ],
)
def test_a_wrong_command_does_nothing(tmp_path: Path, arguments: list[str], said: str) -> None:
    (tmp_path / "photo.jpg").write_bytes(file_of(photo(), "JPEG"))
    ended = subprocess.run(
        [*COMMAND, *arguments, "--url", "http://127.0.0.1:9"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        input=b"",
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert said in ended.stderr.decode()
    assert b"Traceback" not in ended.stderr


@contextmanager
def listening(reply: bytes) -> Iterator[str]:
    """Answer every connection with the same bytes; yield the URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    connection.sendall(reply)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def test_without_a_service_that_can_be_used(album: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for url in ("http://127.0.0.1:9", "nonsense", "http://[::1"):
        ended = run(album, "-o", out, url=url)
        assert ended.returncode == 3
        assert b"can't be reached" in ended.stderr
        assert b"Traceback" not in ended.stderr
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi"
    missing = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    for reply in (page, missing):
        with listening(reply) as url:
            ended = run(album, "-o", out, url=url)
        assert ended.returncode == 3
        assert b"isn't Foveate" in ended.stderr
    assert [path.name for path in out.iterdir()] == [LEDGER_NAME]


def test_a_key_is_sent(album: Path, tmp_path: Path) -> None:
    key = "a-key-of-at-least-sixteen-characters"
    with run_service(tmp_path / "service", API_KEYS=key) as keyed:
        url = keyed.url
        ended = run(album / "a.jpg", "-o", tmp_path / "out", url=url)
        assert ended.returncode == 3
        assert b"Bearer" in ended.stderr
        environment = {**os.environ, "FOVEATE_API_KEY": key, "FOVEATE_URL": url}
        command = [*COMMAND, album / "a.jpg", "-o", tmp_path / "out"]
        assert subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode == 0


def test_odd_names_come_through(service: Running, tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    data = file_of(photo(80, 60), "JPEG", quality=95)
    names = [b"line\nbreak.jpg", b"caf\xe9.jpg", b"-o.jpg", b"\x1b[31mred.jpg", b"'quo te\".jpg"]
    for name in names:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(data)
    for state in ("compressed", "skipped"):
        ended = run(folder, "-o", tmp_path / "out", "--json", url=service.url)
        assert ended.returncode == 0, ended.stderr
        _, summary = lines_of(ended)
        assert summary[state] == len(names)
    assert {os.fsencode(path.name) for path in (tmp_path / "out").glob("*.jpg")} == set(names)


def test_a_full_disk_and_an_unreadable_photo_are_told(
    service: Running, album: Path, tmp_path: Path
) -> None:
    large = file_of(photo(900, 700, 5), "JPEG", quality=98)
    (album / "large.jpg").write_bytes(large)
    (album / "gone.jpg").symlink_to(album / "nowhere.jpg")
    os.mkfifo(album / "pipe.jpg")

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    out = tmp_path / "out"
    ended = run(album, "-o", out, "--json", "--quality=95", url=service.url, preexec_fn=limit)
    outcomes, _ = lines_of(ended)
    assert outcomes["large.jpg"]["problem"]["type"] == "not-written"
    assert "File too large" in outcomes["large.jpg"]["problem"]["detail"]
    assert outcomes["gone.jpg"]["problem"]["type"] == "not-read"
    assert outcomes["pipe.jpg"]["problem"]["type"] == "not-read"
    assert outcomes["a.jpg"]["state"] == "compressed"
    assert not list(out.rglob("*.part"))
    assert not (out / "large.jpg").exists()


def test_a_disk_without_room_ends_the_run(service: Running, tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    for folder in (photos, out):
        folder.mkdir()
    for number in range(COUNT):
        data = file_of(photo(400, 300, number), "JPEG", quality=98)
        (photos / f"{number}.jpg").write_bytes(data)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(out)]
    require(os.geteuid() == 0, "needs root, to mount a small disk")
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        ended = run(photos, "-o", out, "--json", "--quality=95", url=service.url)
        assert ended.returncode == 1
        assert b"No space left on device; the same command goes on" in ended.stderr
        assert json.loads(ended.stdout.splitlines()[-1])["summary"]["not_done"] > 0
        assert not list(out.rglob("*.part"))
    finally:
        subprocess.run(["umount", str(out)], check=True)


def test_a_huge_file_is_refused_without_being_held(service: Running, tmp_path: Path) -> None:
    huge = tmp_path / "huge.jpg"
    with huge.open("wb") as file:
        file.write(file_of(photo(), "JPEG"))
        file.truncate(600_000_000)
    code = (
        "import atexit, runpy, sys; sys.argv[0] = 'app'; "
        # Not ru_maxrss, which a process has from the one that started it.
        "atexit.register(lambda: print(open('/proc/self/status').read())); "
        "runpy.run_module('app', run_name='__main__')"
    )
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            code,
            "compress",
            huge,
            "-o",
            tmp_path / "out",
            "--url",
            service.url,
        ],
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1
    assert b"huge.jpg" in ended.stderr
    peak_kib = int(ended.stdout.partition(b"VmHWM:")[2].split()[0])
    assert peak_kib < 200_000


def test_a_run_at_a_time(service: Running, album: Path, tmp_path: Path) -> None:
    with Ledger(tmp_path / "out"):
        ended = run(album, "-o", tmp_path / "out", url=service.url)
    assert ended.returncode == 2
    assert b"another run writes into" in ended.stderr


def test_ctrl_c_ends_it_and_leaves_nothing_half_done(service: Running, tmp_path: Path) -> None:
    photos, out = tmp_path / "photos", tmp_path / "out"
    photos.mkdir()
    count = 100  # more than can be done between the first result and the signal
    for number in range(count):
        (photos / f"{number}.png").write_bytes(file_of(photo(300, 200, 90 + number)))
    process = subprocess.Popen(
        [*COMMAND, photos, "-o", out, "--jobs=2", "--json", "--url", service.url],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    wait_for(lambda: list(out.glob("*.jpg")), 60, "for a result")
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=20)
    assert process.returncode == 130, errors
    assert b"interrupted" in errors
    assert b"Traceback" not in errors
    summary = json.loads(output.splitlines()[-1])["summary"]
    assert summary["compressed"] + summary["not_done"] == count
    assert summary["not_done"] > 0
    assert not list(out.rglob("*.part"))
    assert run(photos, "-o", out, url=service.url).returncode == 0
    assert len(list(out.glob("*.jpg"))) == count


def test_the_bar_counts_to_the_end(service: Running, album: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
    with os.fdopen(ours, "rb", 0) as terminal:
        ended = subprocess.run(
            [*COMMAND, album, "-o", tmp_path / "out", "--url", service.url],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=theirs,
            timeout=60,
            check=False,
        )
        os.close(theirs)
        shown = b""
        try:
            while piece := terminal.read(65536):
                shown += piece
        except OSError:  # what a terminal nobody writes to any more says
            pass
    assert ended.returncode == 1
    last = shown.decode().splitlines()[-1]
    assert "4/4" in last
    assert "% saved" in last
    assert "3  compressed" in ended.stdout.decode()
    assert "1  failed" in ended.stdout.decode()


def test_a_service_of_its_own_ends_with_it(album: Path, tmp_path: Path) -> None:
    (album / "broken.jpg").unlink()
    environment = {**os.environ, "TMPDIR": str(tmp_path), "API_KEYS": "x" * 20}
    environment.pop("FOVEATE_URL", None)
    command = [*COMMAND, album, "-o", tmp_path / "out"]
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert b"starting a service" in ended.stderr
    assert size_of(tmp_path / "out" / "a.jpg") == (160, 120)
    assert not list(tmp_path.glob("foveate-*"))
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    wait_for(lambda: list(tmp_path.glob("foveate-*/redis.sock")), 60, "for its Redis")
    family = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    started_s = time.monotonic()
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive, f"still there after {time.monotonic() - started_s:.0f} s"


def test_one_photo_is_written_to_the_named_file(service: Running, tmp_path: Path) -> None:
    photo_path = tmp_path / "photo.png"
    photo_path.write_bytes(file_of(photo(96, 64), "PNG"))
    ran = run(photo_path, "-o", tmp_path / "out.jpg", url=service.url)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "out.jpg").read_bytes().startswith(b"\xff\xd8")
    assert not (tmp_path / "out.jpg.jpg").exists()
