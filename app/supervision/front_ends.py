"""The supervisor's front ends: one, or several on one port that count together."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from app.supervision.child import Child
from app.supervision.listening import listen, url_of

ROLE = "front end"


class FrontEnds:
    """Their sockets, which outlive them, and for several the folder that they share."""

    def __init__(self, host: str, port: int, count: int) -> None:
        """Take the port before anything else starts.

        Raises:
            ListenError: when it can't be had.
        """
        self._listeners = listen(host, port, count)
        self.url = url_of(self._listeners[0])
        # Of mode 0700. A lone front end keeps its counts in its own memory.
        self._shared = TemporaryDirectory(prefix="foveate-fronts-") if count > 1 else None

    def children(self, environment: dict[str, str]) -> list[Child]:
        """Return the processes to run."""
        found = []
        for number, listener in enumerate(self._listeners, 1):
            fd = listener.fileno()
            command = [sys.executable, "-m", "app", "serve", "--fd", str(fd)]
            if self._shared:
                command += ["--number", str(number), "--shared", self._shared.name]
            found.append(Child(ROLE, command, environment, pass_fds=(fd,), number=number))
        return found

    def all_up(self) -> bool:
        """Return whether each of several serves; of a lone one its port tells."""
        if not self._shared:
            return True
        numbers = range(1, len(self._listeners) + 1)
        return all(up_file(Path(self._shared.name), number).exists() for number in numbers)

    def on_exit(self, child: Child) -> None:
        """Forget what held for the life of one that has ended: that it serves, and what it holds."""
        if not self._shared:
            return
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

        up_file(Path(self._shared.name), child.number).unlink(missing_ok=True)
        mark_process_dead(child.number, self._shared.name)  # type: ignore[no-untyped-call]

    def refuse(self) -> None:
        """Close the sockets: new connections are refused instead of waiting for nobody."""
        for listener in self._listeners:
            listener.close()

    def clean_up(self) -> None:
        """Remove the folder; they must be gone."""
        if self._shared:
            self._shared.cleanup()


def up_file(shared: Path, number: int) -> Path:
    """Return the file that is there while a front end serves."""
    return shared / f"up-{number}"
