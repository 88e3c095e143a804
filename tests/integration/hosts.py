"""A network of hosts, each a Linux network namespace; any of them can be disconnected."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import require
from tests.integration.running import ROOT

CLONE_NEWNET = 0x4000_0000
HUB_ADDRESS = "10.77.0.1"


class Network:
    """A bridge in its own namespace, the hub, and the hosts that are connected to it."""

    def __init__(self) -> None:
        self._prefix = f"fv{os.getpid()}"
        self._hosts: list[str] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        self.hub = f"{self._prefix}hub"
        ip("netns", "add", self.hub)
        ip("-n", self.hub, "link", "set", "lo", "up")
        ip("-n", self.hub, "link", "add", "bridge", "type", "bridge")
        ip("-n", self.hub, "addr", "add", f"{HUB_ADDRESS}/24", "dev", "bridge")
        ip("-n", self.hub, "link", "set", "bridge", "up")

    def add_host(self) -> str:
        """Return the address of a new host."""
        number = len(self._hosts) + 2
        name, port = f"{self._prefix}h{number}", f"port{number}"
        ip("netns", "add", name)
        self._hosts.append(name)
        ip(
            *("-n", self.hub, "link", "add", port, "type", "veth"),
            *("peer", "name", "eth0", "netns", name),
        )
        ip("-n", self.hub, "link", "set", port, "master", "bridge", "up")
        ip("-n", name, "link", "set", "lo", "up")
        ip("-n", name, "link", "set", "eth0", "up")
        address = f"10.77.0.{number}"
        ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
        return address

    def start(self, address: str, command: list[str], log: Path, **settings: str) -> None:
        """Run a command on a host until the network is removed."""
        name = self._hosts[int(address.rsplit(".", 1)[1]) - 2]
        with log.open("wb") as output:
            process = subprocess.Popen(
                ["ip", "netns", "exec", name, *command],
                cwd=ROOT,
                env={**os.environ, **settings},
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._processes.append(process)

    def disconnect(self, address: str) -> None:
        """Pull a host's cable: no connection is closed, but nothing arrives any more."""
        ip("-n", self.hub, "link", "set", f"port{address.rsplit('.', 1)[1]}", "down")

    def reconnect(self, address: str) -> None:
        """Plug the cable in again."""
        ip("-n", self.hub, "link", "set", f"port{address.rsplit('.', 1)[1]}", "up")

    def enter(self) -> None:
        """Open the calling thread's sockets on the hub from now on."""
        libc = ctypes.CDLL(None, use_errno=True)
        with Path("/run/netns", self.hub).open("rb") as namespace:
            if libc.setns(namespace.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")

    def remove(self) -> None:
        """End every process and remove every host."""
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for name in [*self._hosts, self.hub]:
            ip("netns", "delete", name)


@contextmanager
def network() -> Iterator[Network]:
    """Return an empty network; skip the test where this machine allows none.

    With CI set, a run without iproute2 or root fails, so that the tests can't be left out unnoticed.
    """
    require(shutil.which("ip"), "needs iproute2 for network namespaces")
    require(os.geteuid() == 0, "needs root for network namespaces")
    try:
        made = Network()
    except subprocess.CalledProcessError as error:
        if b"not permitted" in error.stderr.lower():
            pytest.skip(f"no network namespaces here: {error.stderr.decode().strip()}")
        raise
    try:
        yield made
    finally:
        made.remove()


def ip(*arguments: str) -> None:
    """Run iproute2."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
