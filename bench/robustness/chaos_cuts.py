"""Random cuts of connections to the service's Redis, through a proxy that takes the place of its socket."""

import random
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

from redis import Redis
from redis.exceptions import RedisError

from bench.robustness.cutting_proxy import Cut, CuttingProxy, cut_nothing

CHECK_INTERVAL_S: Final = 0.2


class RandomCuts:
    """Cuts connections at a ``share`` of the commands, half of them after Redis has executed it.

    The server's socket is moved, and a proxy listens in its place. A server that is started again
    replaces the proxy's socket by its own; that is moved as well. ``done`` counts the cuts.
    """

    def __init__(self, path: Path, share: float, seed: int) -> None:
        """Begin to cut; ``path`` is where the service connects to Redis."""
        self.done: Counter[str] = Counter()
        self._path = path
        self._server = path.with_name("server.sock")
        self._share = share
        self._order = random.Random(f"cuts {seed}")
        self._stop = threading.Event()
        self._proxy: CuttingProxy | None = None
        self._inode = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the proxy; the service must have no further use for Redis."""
        self.stop()
        if self._proxy is not None:
            self._proxy.close()

    def stop(self) -> None:
        """Cut nothing more; the proxy still forwards connections."""
        self._stop.set()
        self._thread.join()
        if self._proxy is not None:
            self._proxy.choose = cut_nothing

    def _run(self) -> None:
        while not self._stop.is_set():
            with suppress(OSError, RedisError):  # the server is starting
                if self._path.stat().st_ino != self._inode:
                    self._take_place()
            self._stop.wait(CHECK_INTERVAL_S)

    def _take_place(self) -> None:
        with Redis(unix_socket_path=str(self._path)) as connection:
            connection.ping()  # it has begun to listen
        if self._proxy is not None:
            self._proxy.close()
        self._path.rename(self._server)
        self._proxy = CuttingProxy(self._path, self._server)
        self._inode = self._path.stat().st_ino
        self._proxy.choose = self._choose
        with Redis(unix_socket_path=str(self._server)) as connection:
            # Connections that were opened before do not pass the proxy.
            connection.client_kill_filter(_type="normal", skipme=True)

    def _choose(self, words: list[bytes]) -> Cut | None:
        if self._order.random() >= self._share:
            return None
        cut: Cut = self._order.choice(("before", "after"))
        self.done[f"{cut} {words[0].decode('ascii', 'replace')}"] += 1
        return cut
