"""Cuts the connection at the n-th command through a proxy, for n = 1, 2, 3 and so on."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from bench.robustness.cutting_proxy import Cut, CuttingProxy, cut_nothing

# Each of these waits in Redis for something that happens outside of the tested request.
UNCOUNTED = (b"BLMPOP", b"BLMOVE")
MAX_COMMANDS = 200


class CutAt:
    """Cuts the connection of the ``number``-th command from now on, once."""

    def __init__(self, number: int, when: Cut) -> None:
        self._number = number
        self._when = when
        self._seen = 0
        self.command = ""

    def __call__(self, words: list[bytes]) -> Cut | None:
        """Return when to cut the connection of this command, None for all but one."""
        if words[0].upper() in UNCOUNTED:
            return None
        self._seen += 1
        if self._seen != self._number:
            return None
        self.command = b" ".join(words[:4])[:120].decode("ascii", "replace")
        return self._when


def cut_each_command(
    proxy: CuttingProxy, when: Cut, run: Callable[[], object], *, start: int = 1
) -> Iterator[str]:
    """Call ``run`` and cut the n-th command, for each n until ``run`` sends fewer commands.

    Yield a description of each cut, after its ``run``.
    """
    for number in range(start, MAX_COMMANDS):
        proxy.choose = cut = CutAt(number, when)
        try:
            run()
        finally:
            proxy.choose = cut_nothing
        if not cut.command:
            return
        yield f"{when} command {number}: {cut.command}"
    raise AssertionError("every run was cut")


@contextmanager
def proxy_of(redis_url: str, folder: Path) -> Iterator[CuttingProxy]:
    """Run a proxy of the Redis at ``redis_url``, whose socket is in ``folder``."""
    with CuttingProxy(folder / "proxy.sock", Path(urlsplit(redis_url).path)) as proxy:
        yield proxy
