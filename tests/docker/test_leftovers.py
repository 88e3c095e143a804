"""A run of podman that is killed disturbs nothing: the next removes what it has left."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.docker.leftovers import (
    NETWORKS,
    belongs_to,
    forget_dead_name_server,
    forget_dead_networks,
)
from tests.docker.podman import ROOT, find_obstacle, make_debian, open_podman
from tests.integration.running import wait_for

NAME = "foveate-leftovers"
# Two containers as Compose starts them: one needs the other, both have names and start again.
KILLED_RUN = f"""
import sys
from tests.docker.podman import open_podman
with open_podman({NAME!r}) as podman:
    podman.run("import", "--quiet", sys.argv[1], "localhost/debian")
    podman.run("network", "create", {NAME!r})
    options = ["run", "--detach", "--network={NAME}", "--restart=always"]
    podman.run(*options, "--name=needed", "localhost/debian", "sleep", "1000")
    podman.run(*options, "--requires=needed", "localhost/debian", "sleep", "1000")
    print(podman.folder, flush=True)
    sys.stdin.read()
"""


@pytest.mark.images
@pytest.mark.timeout(600)
def test_the_next_run_removes_what_a_killed_one_has_left(pytestconfig: pytest.Config) -> None:
    if obstacle := find_obstacle():
        pytest.skip(obstacle)
    archive = Path(pytestconfig.cache.mkdir("images")) / "debian.tar"
    make_debian(archive)
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_RUN, str(archive)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        folder = Path(run.stdout.readline().strip())
        run.kill()
    assert list_processes(folder)
    assert f" {folder}/" in Path("/proc/self/mountinfo").read_text()
    assert (NETWORKS / NAME).exists()
    with open_podman(NAME) as podman:
        assert podman.folder == folder
        assert podman.run("ps", "--all", "--quiet") == ""
        assert not list_processes(folder)
        assert not (NETWORKS / NAME).exists()
    assert not folder.exists()
    assert f" {folder}/" not in Path("/proc/self/mountinfo").read_text()


def list_processes(folder: Path) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if belongs_to(process, folder)]


def test_a_note_of_a_dead_name_server_is_deleted(tmp_path: Path) -> None:
    """Its number may be that of any other process by now."""
    note = tmp_path / "aardvark.pid"
    server = shutil.copy(shutil.which("sleep") or "", tmp_path / "aardvark-dns")
    with subprocess.Popen([server, "100"]) as process:
        note.write_text(str(process.pid))
        wait_for(lambda: Path(f"/proc/{process.pid}/exe").readlink().name == "aardvark-dns")
        forget_dead_name_server(tmp_path)
        assert note.exists()
        process.send_signal(signal.SIGKILL)
    for text in (str(process.pid), str(os.getpid()), "", "no number"):
        note.write_text(text)
        forget_dead_name_server(tmp_path)
        assert not note.exists()
    forget_dead_name_server(tmp_path)


def test_names_of_networks_without_containers_are_deleted(tmp_path: Path) -> None:
    networks = tmp_path / "networks"
    networks.mkdir()
    for name, containers in (("live", ("gone", "read")), ("dead", ("gone",)), ("new", ("gone",))):
        lines = ["10.89.0.1", *(f"{one} 10.89.0.2  redis,{one}" for one in containers)]
        (networks / name).write_text("\n".join(lines))
    (networks / "aardvark.pid").write_text("1")
    for name in ("live", "dead", "aardvark.pid"):
        os.utime(networks / name, (0, 0))
    # A monitor's arguments name its container after -c; this one reads and waits.
    monitor = shutil.copy(shutil.which("bash") or "", tmp_path / "conmon")
    with subprocess.Popen([monitor, "-c", "read"], stdin=subprocess.PIPE) as process:
        wait_for(lambda: psutil.Process(process.pid).name() == "conmon")
        forget_dead_networks(networks)
    assert {path.name for path in networks.iterdir()} == {"live", "new", "aardvark.pid"}
