"""Cuts the connection at the n-th command through a proxy, for n = 1, 2, 3 and so on."""

from bench.robustness.cutting_proxy import BLOCKING, Cut

MAX_COMMANDS = 200


class CutAt:
    """Cuts the connection at the ``number``-th command, and at each repeat until ``cuts`` are done.

    Blocking commands are not counted: they wait for something outside of what is tested.
    """

    def __init__(self, number: int, when: Cut, cuts: int = 1) -> None:
        self._number = number
        self._when = when
        self._cuts = cuts
        self._seen = 0
        self._cut: list[bytes] = []

    @property
    def command(self) -> str:
        """The start of the command that was cut, empty if none was."""
        return b" ".join(self._cut)[:80].decode("ascii", "replace")

    def __call__(self, words: list[bytes]) -> Cut | None:
        """Return when to cut the connection of this command, None for most."""
        if not self._is_counted(words):
            return None
        self._seen += 1
        if self._seen == self._number:
            self._cut = words[:2]
        elif words[:2] != self._cut:
            return None
        self._cuts -= 1
        return self._when if self._cuts >= 0 else None

    def _is_counted(self, words: list[bytes]) -> bool:
        return words[0].upper() not in BLOCKING


class CutAtKind(CutAt):
    """Cuts at the ``number``-th kind of command: commands of a kind differ in ids and values only.

    A worker sends hundreds of commands for a few jobs, most of them several times.
    """

    def __init__(self, number: int, when: Cut, cuts: int = 1) -> None:
        super().__init__(number, when, cuts)
        self._kinds: set[tuple[bytes, ...]] = set()
        self._last: tuple[bytes, ...] = ()

    def _is_counted(self, words: list[bytes]) -> bool:
        if words[:2] == self._cut:
            return True
        key = words[1] if len(words) > 1 else b""
        kind = (words[0], *key.split(b":")[:2])
        if words[0] == b"EXEC":  # that of a transaction whose last command was this one
            kind += self._last
        self._last = kind
        is_new = kind not in self._kinds
        self._kinds.add(kind)
        return is_new and words[0].upper() not in BLOCKING
