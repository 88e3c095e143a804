"""What podman leaves when its caller is killed: processes, mounts, bridges, entries of its name service.

Networks belong to the whole machine, also those of a storage of one's own: netavark keeps them below
`NETWORKS`, where one name server serves all.
"""

import json
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil

NETWORKS: Final = Path("/run/containers/networks/aardvark-dns")
NAME_SERVER: Final = "aardvark-dns"
MONITOR: Final = "conmon"
# The longest time from a container's entry to the start of its monitor, on a busy machine.
STARTS_S: Final = 60.0


def end_processes(folder: Path) -> None:
    """Kill the processes whose arguments or environment name ``folder``, and all that they started."""
    found = [
        process
        for process in psutil.process_iter()
        if process.pid != psutil.Process().pid and belongs_to(process, folder)
    ]
    # Monitors first: they start a container again.
    for process in found:
        with suppress(psutil.NoSuchProcess):
            children = process.children(recursive=True)
            process.kill()
            for child in children:
                with suppress(psutil.NoSuchProcess):
                    child.kill()
    psutil.wait_procs(found, timeout=10)


def belongs_to(process: psutil.Process, folder: Path) -> bool:
    """Return whether a process was started for a storage below ``folder``."""
    below = f"{folder}/"
    try:
        texts = [*process.cmdline(), *process.environ().values()]
    except psutil.Error:
        return False
    return any(below in text for text in texts)


def unmount(folder: Path) -> None:
    """Unmount all that is mounted below ``folder``, the last first."""
    lines = Path("/proc/self/mountinfo").read_text("utf-8").splitlines()
    for point in reversed([line.split()[4] for line in lines]):
        if point.startswith(f"{folder}/"):
            subprocess.run(["umount", "--lazy", point], check=False, capture_output=True)


def remove_networks(folder: Path) -> None:
    """Remove bridges and names of the networks whose declarations are in ``folder``."""
    for path in folder.glob("*.json"):
        declared = json.loads(path.read_text("utf-8"))
        with suppress(OSError):
            subprocess.run(
                ["ip", "link", "delete", declared["network_interface"]],
                check=False,
                capture_output=True,
            )
        (NETWORKS / declared["name"]).unlink(missing_ok=True)


def forget_dead_networks(networks: Path = NETWORKS) -> None:
    """Delete the names of networks whose containers have all ended without their network's removal.

    podman gives the addresses of such a network to the next one. The name server then answers it with
    the names of either: a container finds another, or none, in place of the one that it asks for.
    """
    running = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            arguments = process.cmdline()
            if process.name() == MONITOR and "-c" in arguments[:-1]:
                running.add(arguments[arguments.index("-c") + 1])
    for path in [one for one in networks.glob("*") if one.name != "aardvark.pid"]:
        # The first line has the server's addresses, each other one begins with a container's id.
        containers = {line.split()[0] for line in path.read_text("utf-8").splitlines()[1:]}
        # The names of a container are written before its monitor runs.
        is_new = time.time() - path.stat().st_mtime < STARTS_S
        if not (containers & running or is_new):
            path.unlink(missing_ok=True)


def forget_dead_name_server(networks: Path = NETWORKS) -> None:
    """Delete the name server's note of its process id if it has died.

    netavark sends SIGHUP to whatever process has that id now, and starts no name server as long as
    there is one: the containers then find no other by its name, and a stranger is killed.
    """
    note = networks / "aardvark.pid"
    try:
        name = Path("/proc", note.read_text("ascii").strip(), "exe").readlink().name
    except (OSError, ValueError):
        name = ""
    # The kernel marks a file that an update has replaced.
    if name.removesuffix(" (deleted)") != NAME_SERVER:
        note.unlink(missing_ok=True)
