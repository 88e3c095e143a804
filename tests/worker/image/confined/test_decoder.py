"""A process that dies, hangs or lies costs its own photo only, and ends with the worker."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from contract.errors import ClientError, CorruptImageError, InternalError, UnsupportedImageError
from contract.image_headers.read import ImageHeader
from tests.heic_files import heic_of
from tests.photos import photo, psnr
from worker.image.confined.decoder import ENVIRONMENT, ROOT, ConfinedProcess, Decoder
from worker.image.samples import Samples

FAULTY = "tests.worker.image.confined.faulty"
PIXEL = ImageHeader("HEIC", 1, 1)
# Long enough for a start on a busy machine.
LIMIT_S = 5.0


@pytest.fixture
def faulty() -> Iterator[Decoder]:
    """Return a decoder whose reader fails as the upload says."""
    decoder = Decoder(LIMIT_S, FAULTY)
    yield decoder
    decoder.close()


def ask(decoder: Decoder, data: bytes) -> object:
    """Return the type of the error, or the first sample of the photo."""
    try:
        pixels = decoder.read(data, PIXEL, 100).pixels
    except ClientError as error:
        return type(error), error.detail
    assert isinstance(pixels, Samples)
    return int(pixels.values[0, 0, 0])


def list_processes(parent: int) -> set[int]:
    """Return the faulty decoder's processes that another has started."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            stat = path.with_name("stat").read_text()
            if FAULTY.encode() in path.read_bytes().split(b"\0"):
                found.add((int(path.parent.name), int(stat.rpartition(")")[2].split()[1])))
        except OSError:
            continue
    return {process for process, its_parent in found if its_parent == parent}


def is_confined(process: int) -> bool:
    """Return whether a process has its filter of system calls, which comes last."""
    return "Seccomp:\t2" in Path(f"/proc/{process}/status").read_text()


def start(decoder: Decoder) -> int:
    """Return the process of a decoder that has had one upload."""
    before = list_processes(os.getpid())
    assert ask(decoder, b"fine") == 4
    (process,) = list_processes(os.getpid()) - before
    return process


@pytest.mark.parametrize(
    ("upload", "expected"),
    [
        (b"damaged", (CorruptImageError, "Just damaged.")),
        (b"defect", (CorruptImageError, "The image makes its decoder fail.")),
        (b"crash", (CorruptImageError, "The image makes its decoder fail.")),
        (b"abort", (CorruptImageError, "The image makes its decoder fail.")),
        (b"garbage", (CorruptImageError, "The image makes its decoder fail.")),
        (b"memory", (UnsupportedImageError, "Decoding the image takes too much memory.")),
        (b"spin", (UnsupportedImageError, "Decoding the image takes too long.")),
        (b"hang", (UnsupportedImageError, "Decoding the image takes too long.")),
    ],
)
def test_a_fault_costs_its_own_photo_only(
    faulty: Decoder, upload: bytes, expected: tuple[type[ClientError], str]
) -> None:
    assert ask(faulty, b"fine") == 4
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(ask, faulty, data) for data in (b"fine", upload, b"fine 2")]
        assert [answer.result() for answer in answers] == [4, expected, 6]
    assert ask(faulty, b"fine") == 4


def test_a_child_that_ends_without_an_answer_takes_too_long(faulty: Decoder) -> None:
    assert ask(faulty, b"exit") == (UnsupportedImageError, "Decoding the image takes too long.")


def test_a_stopped_process_is_killed(faulty: Decoder) -> None:
    group = start(faulty)
    os.killpg(group, signal.SIGSTOP)
    started_s = time.monotonic()
    assert ask(faulty, b"fine")[0] is UnsupportedImageError
    assert LIMIT_S <= time.monotonic() - started_s < 2 * LIMIT_S
    assert group not in list_processes(os.getpid())
    assert ask(faulty, b"fine") == 4


def test_an_idle_process_that_was_killed_is_replaced(faulty: Decoder) -> None:
    group = start(faulty)
    os.killpg(group, signal.SIGKILL)
    time.sleep(0.1)
    assert ask(faulty, b"fine") == 4


@pytest.mark.parametrize("has_request", [False, True])
def test_a_process_that_dies_before_it_reads_the_upload_is_replaced(
    faulty: Decoder, monkeypatch: pytest.MonkeyPatch, *, has_request: bool
) -> None:
    group = start(faulty)

    def find_alive_and_kill(_process: ConfinedProcess) -> bool:
        if has_request:
            os.killpg(group, signal.SIGSTOP)
            threading.Timer(0.3, os.killpg, (group, signal.SIGKILL)).start()
        else:
            os.killpg(group, signal.SIGKILL)
            time.sleep(0.1)
        return True

    monkeypatch.setattr(ConfinedProcess, "is_alive", find_alive_and_kill)
    assert ask(faulty, b"fine") == 4
    assert group not in list_processes(os.getpid())


def test_an_upload_over_which_a_process_dies_is_not_tried_again(
    faulty: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def count(process: ConfinedProcess, *arguments: Any) -> Any:
        asked.append(process)
        return real(process, *arguments)

    real = ConfinedProcess.ask
    monkeypatch.setattr(ConfinedProcess, "ask", count)
    assert ask(faulty, b"fine") == 4
    assert ask(faulty, b"crash") == (CorruptImageError, "The image makes its decoder fail.")
    assert len(asked) == 2


def test_processes_are_used_again(faulty: Decoder) -> None:
    before = list_processes(os.getpid())
    for _ in range(3):
        ask(faulty, b"fine")
        ask(faulty, b"damaged")
    assert len(list_processes(os.getpid()) - before) == 1
    faulty.close()
    assert list_processes(os.getpid()) == before


def test_a_decoder_that_does_not_start_is_the_service_s_fault() -> None:
    decoder = Decoder(LIMIT_S, "tests.no_such_module")
    with pytest.raises(InternalError, match="started"):
        decoder.read(b"fine", PIXEL, 100)


def test_a_refused_format_is_not_decoded(faulty: Decoder) -> None:
    faulty.refuse("HEIC", "Not here.")
    assert ask(faulty, b"fine") == (UnsupportedImageError, "Not here.")


def test_a_format_without_its_libraries_is_named(faulty: Decoder) -> None:
    with pytest.raises(UnsupportedImageError, match="without a decoder for AVIF"):
        faulty.read(b"fine", ImageHeader("AVIF", 1, 1), 100)
    assert ask(faulty, b"fine") == 4


@pytest.mark.parametrize("is_stopped", [False, True])
def test_nothing_is_left_when_the_worker_is_killed(*, is_stopped: bool) -> None:
    script = (
        "import sys, threading\n"
        "from worker.image.confined.decoder import Decoder\n"
        "from contract.image_headers.read import ImageHeader\n"
        f"decoder = Decoder({LIMIT_S}, {FAULTY!r})\n"
        "header = ImageHeader('HEIC', 1, 1)\n"
        "decoder.read(b'fine', header, 9)\n"
        "busy = threading.Thread(target=decoder.read, args=(b'hang', header, 9))\n"
        "busy.start()\n"
        "decoder.read(b'fine', header, 9)\n"
        "print(flush=True)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE
    ) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        mine = list_processes(worker.pid)
        assert len(mine) == 2
        mine |= {child for process in mine for child in list_processes(process)}
        assert len(mine) > 2  # one hangs
        for process in mine - list_processes(worker.pid) if is_stopped else ():
            os.kill(process, signal.SIGSTOP)
        worker.kill()
    deadline_s = time.monotonic() + 2 * LIMIT_S
    while any(Path(f"/proc/{pid}").exists() for pid in mine):
        assert time.monotonic() < deadline_s
        time.sleep(0.1)


def test_a_stopped_child_ends_with_its_process() -> None:
    # Its time limit would also end the child, but with another error.
    patient = Decoder(120.0, FAULTY)
    process = start(patient)
    with ThreadPoolExecutor(1) as busy:
        asked = busy.submit(ask, patient, b"hang")
        while not (children := list_processes(process)):
            time.sleep(0.01)
        (child,) = children
        # The child sets this first.
        while not is_confined(child):
            time.sleep(0.01)
        os.kill(child, signal.SIGSTOP)
        os.kill(process, signal.SIGKILL)
        assert asked.result() == (CorruptImageError, "The image makes its decoder fail.")
    while Path(f"/proc/{child}").exists():
        time.sleep(0.01)
    patient.close()


def test_no_secret_and_no_file_is_inherited(
    faulty: Decoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:secret@host")
    with Path(__file__).open("rb") as file:
        os.set_inheritable(file.fileno(), True)  # noqa: FBT003
        group = start(faulty)
        environment = Path(f"/proc/{group}/environ").read_bytes()
        deadline_s = time.monotonic() + LIMIT_S
        while True:
            files = sorted(int(path.name) for path in Path(f"/proc/{group}/fd").iterdir())
            # Until it has noticed that its child has ended, it has a descriptor of it.
            if len(files) == 4 or time.monotonic() > deadline_s:
                break
            time.sleep(0.01)
    assert b"secret" not in environment
    names = {entry.partition(b"=")[0].decode() for entry in environment.split(b"\0") if entry}
    assert names <= {*ENVIRONMENT, "LC_CTYPE"}
    assert files == [0, 1, 2, 3]  # the last one is a copy of stdout, for answers


def test_a_photo_comes_through() -> None:
    decoder = Decoder()
    pixels = photo(64, 48)
    stored = decoder.read(heic_of(pixels), ImageHeader("HEIC", 64, 48), 4000)
    decoder.close()
    assert isinstance(stored.pixels, Samples)
    assert psnr(stored.pixels.values, pixels) > 30
    with pytest.raises(CorruptImageError):
        decoder.read(heic_of(pixels), ImageHeader("HEIC", 64, 48), 3000)
    decoder.close()
