"""The supervisor's front ends: one, or several that share a port and their metrics."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from app.supervision.child import Child
from app.supervision.listening import listen, url_of

FRONT_END_ROLE = "front end"


class FrontEnds:
    """The sockets of all front ends, and the folder that several of them share.

    The sockets stay open while a front end restarts.
    """

    def __init__(self, host: str, port: int, count: int) -> None:
        """Listen on the port.

        Raises:
            ListenError: when that fails.
        """
        self._listeners = listen(host, port, count)
        self.url = url_of(self._listeners[0])
        # The folder has mode 0700. A single front end keeps its metrics in memory.
        self._shared = TemporaryDirectory(prefix="foveate-fronts-") if count > 1 else None

    def children(self, environment: dict[str, str]) -> list[Child]:
        """Return one process for each front end, not yet started."""
        children = []
        for number, listener in enumerate(self._listeners, 1):
            fd = listener.fileno()
            command = [sys.executable, "-m", "app", "serve", "--fd", str(fd)]
            if self._shared:
                command += ["--number", str(number), "--shared", self._shared.name]
            children.append(
                Child(FRONT_END_ROLE, command, environment, pass_fds=(fd,), number=number)
            )
        return children

    def all_up(self) -> bool:
        """Return whether each of several front ends serves; always True for a single one.

        A single one writes no file, because ``/readyz`` shows whether it serves.
        """
        if not self._shared:
            return True
        numbers = range(1, len(self._listeners) + 1)
        return all(up_file(Path(self._shared.name), number).exists() for number in numbers)

    def on_exit(self, child: Child) -> None:
        """Mark a front end that has ended as not serving, and remove its live gauges."""
        if not self._shared:
            return
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415

        up_file(Path(self._shared.name), child.number).unlink(missing_ok=True)
        mark_process_dead(child.number, self._shared.name)  # type: ignore[no-untyped-call]

    def close_sockets(self) -> None:
        """Close the sockets, so that new connections are refused instead of left waiting."""
        for listener in self._listeners:
            listener.close()

    def clean_up(self) -> None:
        """Remove the shared folder; call it when all front ends have ended."""
        if self._shared:
            self._shared.cleanup()


def up_file(shared: Path, number: int) -> Path:
    """Return the path of the file that exists while front end ``number`` serves."""
    return shared / f"up-{number}"
