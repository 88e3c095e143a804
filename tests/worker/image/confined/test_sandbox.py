"""From inside: a confined process reaches no file, no network and no other process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from worker.image.confined.sandbox import MEASURES

ROOT = Path(__file__).parents[4]
# Everything is loaded before. Each attempt says which error it gets.
SCRIPT = """
import json, mmap, os, resource, signal, socket, sys, threading
from worker.image.confined import landlock, sandbox, seccomp
left_out, chosen = sys.argv[1].split(), sys.argv[2].split()
if "seccomp" in left_out: seccomp.CALLS.clear()
if "landlock" in left_out: landlock.CREATE_RULESET = -1
parent, server = os.getppid(), socket.create_server(("127.0.0.1", 0))
address = server.getsockname()
if "limits" in left_out: sandbox.limit = lambda limits: None
measures = sandbox.confine(64 << 20, 5)
attempts = {
    "open": lambda: os.open("/etc/passwd", os.O_RDONLY),
    "list": lambda: os.listdir("/"),
    "write": lambda: os.open("/tmp/x", os.O_CREAT | os.O_WRONLY),
    "connect": lambda: socket.socket().connect(address),
    "udp": lambda: socket.socket(type=socket.SOCK_DGRAM),
    "execute": lambda: os.execv("/bin/true", ["true"]),
    "fork": os.fork,
    "signal": lambda: os.kill(parent, 0),
    "limits": lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 40, 1 << 40)),
    "code": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_EXEC | mmap.PROT_WRITE),
    "memory": lambda: bytearray(100 << 20),
    "thread": lambda: threading.Thread(target=int).start(),
    "allocate": lambda: bytearray(1 << 20),
}
found = {}
for name in chosen or attempts:
    try:
        attempts[name]()
        found[name] = ""
    except Exception as error:
        found[name] = type(error).__name__
print(json.dumps([measures, found]), flush=True)
os._exit(0)
"""


def confine(left_out: str = "", chosen: str = "") -> tuple[list[str], dict[str, str]]:
    """Return what the kernel can, and the error of each chosen attempt, by default of all."""
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, left_out, chosen],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
    )
    measures, found = json.loads(ended.stdout)
    return measures, found


def test_a_confined_process_reaches_nothing() -> None:
    measures, found = confine()
    if measures != list(MEASURES):
        pytest.skip(f"the kernel has only {measures}")
    assert (found.pop("thread"), found.pop("allocate")) == ("", "")
    assert found.pop("memory") == "MemoryError"
    # Python's word for a setrlimit that isn't permitted.
    assert found.pop("limits") == "ValueError"
    assert set(found.values()) == {"PermissionError"}, found


@pytest.mark.parametrize(
    ("left_out", "attempts"),
    [
        ("seccomp limits", "open list write execute connect"),
        ("landlock limits", "open list write execute connect udp fork signal code"),
    ],
)
def test_either_denies_by_itself(left_out: str, attempts: str) -> None:
    measures, found = confine(left_out, attempts)
    if len(measures) == 1:
        pytest.skip("the kernel has not both")
    assert set(found.values()) == {"PermissionError"}, found


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited on Linux only")
def test_the_limits_hold_on_any_kernel() -> None:
    measures, found = confine("seccomp landlock", "open memory")
    assert (measures, found) == (["limits"], {"open": "OSError", "memory": "MemoryError"})
