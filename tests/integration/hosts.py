"""Machines of one network, as Linux namespaces on this one; any of them can be cut off and back."""

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
    """A bridge in a namespace of its own, and hosts that hang on it."""

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
        """Run a command on a host until the network is taken down."""
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

    def cut_off(self, address: str) -> None:
        """Pull a host's cable: no connection is closed, nothing arrives any more."""
        ip("-n", self.hub, "link", "set", f"port{address.rsplit('.', 1)[1]}", "down")

    def reconnect(self, address: str) -> None:
        """Plug it in again."""
        ip("-n", self.hub, "link", "set", f"port{address.rsplit('.', 1)[1]}", "up")

    def enter(self) -> None:
        """Let the calling thread's new sockets be those of the hub."""
        libc = ctypes.CDLL(None, use_errno=True)
        with Path("/run/netns", self.hub).open("rb") as namespace:
            if libc.setns(namespace.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")

    def take_down(self) -> None:
        """End every process, and remove every host."""
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
    """Return an empty network, or skip the test where this machine allows none.

    Where it might, it is not to go unnoticed that nothing was tried: with CI set, a run without root
    fails, and whatever else goes wrong does so everywhere.
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
        made.take_down()


def ip(*arguments: str) -> None:
    """Run iproute2."""
    subprocess.run(["ip", *arguments], check=True, capture_output=True)
