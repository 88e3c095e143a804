"""Podman with a storage of its own, podman-compose with `docker-compose.yml`, and local base images.

Nothing is pulled: the bases are made from the machine's Debian and from the Valkey of the tests, and
get the names that the Dockerfiles and the Compose file ask for.
"""

import ast
import fcntl
import json
import os
import platform
import re
import resource
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import yaml

from app.supervision.embedded_redis import find_bundled_server
from tests.docker import leftovers

ROOT: Final = Path(__file__).parents[2]
PROFILE: Final = "cpu"
TOOLS: Final = (
    *("podman", "runc", "catatonit", "netavark", "aardvark-dns", "iptables", "mmdebstrap"),
)
# Where podman has programs of its own.
PODMAN_FOLDERS: Final = ("/usr/lib/podman", "/usr/libexec/podman")
PACKAGES: Final = "python3-venv,python-is-python3,ca-certificates"
# Settings of pip that say where packages come from.
PIP_SETTINGS: Final = {
    *("index-url", "extra-index-url", "find-links", "trusted-host", "proxy", "cert", "client-cert"),
    *("constraint", "default-timeout", "timeout", "retries"),
}
# The official image has no protected mode, and Debian's Valkey comes without a client of its own.
VALKEY: Final = """
FROM {base}
COPY --chmod=755 server /usr/local/lib/valkey-server
RUN printf '#!/bin/sh\\nexec /usr/local/lib/valkey-server "$@" --protected-mode no\\n' \\
      > /usr/local/bin/valkey-server \\
 && printf '#!/usr/bin/python3\\nimport socket\\nwith socket.create_connection(("127.0.0.1", 6379), 2) as c:\\n    c.sendall(b"PING\\\\r\\\\n")\\n    raise SystemExit(c.recv(7) != b"+PONG\\\\r\\\\n")\\n' \\
      > /usr/local/bin/valkey-cli \\
 && chmod 755 /usr/local/bin/valkey-*
WORKDIR /data
"""


class Podman:
    """Podman's commands; images, containers and networks are below ``folder``."""

    def __init__(self, folder: Path, project: str) -> None:
        self.folder = folder
        self.project = project
        limits = {
            name: resource.getrlimit(number)[0]
            for name, number in (
                ("nofile", resource.RLIMIT_NOFILE),
                ("nproc", resource.RLIMIT_NPROC),
            )
        }
        # Without these, podman raises both limits, which takes a capability that a container's root
        # does not have.
        ulimits = [
            f"{name}={min(4096, limit) if limit > 0 else 4096}" for name, limit in limits.items()
        ]
        ulimits = [f"{entry}:{entry.partition('=')[2]}" for entry in ulimits]
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        assert (found.st_uid, stat.S_ISDIR(found.st_mode)) == (os.geteuid(), True), folder
        (folder / "networks").mkdir(exist_ok=True)
        (folder / "containers.conf").write_text(
            f"[containers]\ndefault_ulimits = {json.dumps(ulimits)}\n"
            '[engine]\ncgroup_manager = "cgroupfs"\nruntime = "runc"\nevents_logger = "file"\n'
            f'[network]\nnetwork_config_dir = "{folder / "networks"}"\n'
        )
        (folder / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{folder / "storage"}"\n'
            f'runroot = "{folder / "run"}"\n'
        )
        self.environment = {
            **os.environ,
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            "BUILDAH_ISOLATION": "chroot",
            # Tests run the health checks; podman would need systemd for it.
            "DISABLE_HC_SYSTEMD": "true",
        }

    def run(self, *arguments: str, timeout_s: float = 300) -> str:
        """Return what a command of podman prints to standard output."""
        return self._call(["podman", *arguments], timeout_s)

    def compose(self, *arguments: str, timeout_s: float = 300, **settings: str) -> str:
        """Return what a command of podman-compose prints."""
        command = [sys.executable, "-m", "podman_compose", "--in-pod=false", "-p", self.project]
        return self._call(
            [*command, "--profile", PROFILE, "-f", "-", *arguments],
            timeout_s,
            # podman-compose does not know `required: false`.
            text=yaml.safe_dump(read_compose()),
            **settings,
        )

    def build(self, service: str) -> None:
        """Build the image of a service as the Compose file says, with this machine's pip settings."""
        options = ["--pull=never", "--network=host", "--format=docker", *self._pip_volumes()]
        self.compose(f"--podman-build-args={' '.join(options)}", "build", service, timeout_s=1800)

    def inspect(self, name: str) -> dict[str, Any]:
        """Return what podman knows of an image or a container."""
        found: list[dict[str, Any]] = json.loads(self.run("inspect", name))
        return found[0]

    def containers(self, service: str) -> list[str]:
        """Return the names of a service's running containers."""
        label = f"label=com.docker.compose.service={service}"
        return self.run("ps", "--filter", label, "--format", "{{.Names}}").split()

    def make_bases(self, archive: Path, python: str, valkey: str) -> None:
        """Make the images that the Dockerfiles and the Compose file start from, out of a Debian."""
        self.run("import", "--quiet", str(archive), python)
        server = find_bundled_server()
        assert server is not None
        context = self.folder / "valkey"
        context.mkdir()
        shutil.copy(server, context / "server")
        (context / "Dockerfile").write_text(VALKEY.format(base=python))
        self.run("build", "--quiet", "--pull=never", "--tag", valkey, str(context))

    def read_logs(self, name: str) -> str:
        """Return what a container has printed."""
        return self._call(["podman", "logs", "--timestamps", name], 60, errors=subprocess.STDOUT)

    def is_healthy(self, name: str) -> bool:
        """Run a container's health check."""
        with suppress(subprocess.CalledProcessError):
            self.run("healthcheck", "run", name)
            return True
        return False

    def remove(self) -> None:
        """Remove everything, storage included; also what is left of a run that was killed.

        Raises:
            OSError: when something can't be removed.
        """
        if (self.folder / "storage").exists():
            with suppress(subprocess.SubprocessError):
                self._remove_containers()
            for command in (
                ("volume", "prune", "--force"),
                ("network", "prune", "--force"),
                ("image", "unmount", "--all", "--force"),
            ):
                with suppress(subprocess.SubprocessError):
                    self.run(*command)
        # What podman has not removed.
        leftovers.end_processes(self.folder)
        leftovers.unmount(self.folder)
        leftovers.remove_networks(self.folder / "networks")
        shutil.rmtree(self.folder)

    def _remove_containers(self) -> None:
        """Remove all containers.

        Even with ``--force`` podman removes none on which another depends, so each command removes
        those that nothing depends on any more.
        """
        count = len(self.run("ps", "--all", "--quiet").split())
        for _ in range(count):
            with suppress(subprocess.CalledProcessError):
                self.run("rm", "--all", "--force", "--time", "0")
                return

    def _pip_volumes(self) -> list[str]:
        """Return options that give builds this machine's settings of pip, and the files they name."""
        settings = read_pip_settings()
        path = self.folder / "pip.conf"
        lines = [f"{name} = {value}" for name, value in settings.items()]
        path.write_text("\n".join(["[global]", *lines, ""]))
        volumes = {f"{path}:/etc/pip.conf:ro"}
        for value in " ".join(settings.values()).split():
            # An index of packages in a folder has their files beside it.
            local = Path(urlsplit(value).path).parent if value.startswith("file:") else Path(value)
            if local.is_absolute() and local.exists():
                volumes.add(f"{local}:{local}:ro")
        return [f"--volume={volume}" for volume in sorted(volumes)]

    def _call(
        self,
        command: list[str],
        timeout_s: float,
        *,
        text: str = "",
        errors: int = subprocess.PIPE,
        **settings: str,
    ) -> str:
        ended = subprocess.run(
            command,
            cwd=ROOT,
            env={**self.environment, **settings},
            input=text,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if ended.returncode:
            raise subprocess.CalledProcessError(
                ended.returncode, command, ended.stdout, (ended.stderr or "")[-4000:]
            )
        return ended.stdout


@contextmanager
def open_podman(name: str = "foveate-images") -> Iterator[Podman]:
    """Return a podman with an empty storage, which is removed in the end; one at a time.

    The storage is always the same folder, so that what a run leaves that was killed is found by the
    next. It is none of pytest's folders: those can't be removed while something is mounted there.
    """
    folder = Path(tempfile.gettempdir(), name)
    # Only root can write to this folder.
    with Path("/run", f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        Podman(folder, name).remove()
        leftovers.forget_dead_name_server()
        leftovers.forget_dead_networks()
        podman = Podman(folder, name)
        try:
            yield podman
        finally:
            podman.remove()


def read_compose() -> dict[str, Any]:
    """Return the Compose file with the services of `PROFILE`, as `docker compose` sees it."""
    compose: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    services = {
        name: service
        for name, service in compose["services"].items()
        if PROFILE in service.get("profiles", [PROFILE])
    }
    for service in services.values():
        needed = service.get("depends_on", {})
        for name in needed.keys() - services.keys():
            assert not needed[name].get("required", True), f"{name} is in another profile"
            del needed[name]
    return {**compose, "services": services}


def find_obstacle() -> str:
    """Return why no container can be built and run here, "" if nothing is known to prevent it."""
    if platform.system() != "Linux" or os.geteuid() != 0:
        return "containers need Linux and root"
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *PODMAN_FOLDERS])
    missing = [tool for tool in TOOLS if not shutil.which(tool, path=path)]
    return f"not installed: {', '.join(missing)}" if missing else ""


def make_debian(archive: Path) -> None:
    """Write a small Debian with Python to a tar archive, from this machine's mirror, unless it exists.

    Raises:
        SubprocessError: when it can't be made.
    """
    if archive.exists():
        return
    release = platform.freedesktop_os_release()
    suite = release.get("VERSION_CODENAME", "") if release.get("ID") == "debian" else "stable"
    proxies = re.findall(
        r'^Acquire::https?::(?:Proxy|CaInfo) ".+";$',
        read_output("apt-config", "dump"),
        re.MULTILINE,
    )
    options = [f"--aptopt={line}" for line in proxies]
    mirrors = read_output(
        *("apt-get", "indextargets", "--format", "$(REPO_URI)"),
        *("Created-By: Packages", f"Codename: {suite}"),
    ).split()
    partial = archive.with_name(f"partial-{archive.name}")
    subprocess.run(
        [
            *("mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}", *options),
            *(suite, str(partial), *mirrors[:1]),
        ],
        check=True,
        timeout=1200,
    )
    partial.rename(archive)


def read_pip_settings() -> dict[str, str]:
    """Return pip's settings of this machine that say where packages come from."""
    settings: dict[str, str] = {}
    for line in read_output(sys.executable, "-m", "pip", "config", "list").splitlines():
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        if section in {"global", "install", ":env:"} and key in PIP_SETTINGS:
            settings[key] = " ".join(str(ast.literal_eval(value)).split())
    return settings


def read_output(*command: str) -> str:
    """Return what a command prints, "" if it fails."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
