"""Listening sockets on the service's port, one for each front end."""

import socket
import sys

BACKLOG = 2048


class ListenError(Exception):
    """Listening on the port failed; the message says why."""


def listen(host: str, port: int, count: int = 1) -> list[socket.socket]:
    """Return ``count`` sockets that listen on one port; Linux spreads connections over them.

    On other systems all entries are the same socket. Port 0 takes a free port.

    Raises:
        ListenError: when ``host`` is not an address of this machine, or the port is taken.
    """
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        first = socket.socket(family, socket.SOCK_STREAM)
    except (OSError, OverflowError) as error:
        raise ListenError(f"can't listen on {host}: {error}") from error
    listeners = [first]
    try:
        first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        first.bind(address)
        if sys.platform == "linux":
            # Set after bind: a port whose sockets another service shares then counts as taken.
            if count > 1:
                first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            for _ in range(count - 1):
                listeners.append(more := socket.socket(family, socket.SOCK_STREAM))
                more.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                more.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                more.bind(first.getsockname())
        for listener in listeners:
            listener.listen(BACKLOG)
    except OSError as error:
        for listener in listeners:
            listener.close()
        raise ListenError(
            f"can't listen on {host}:{port}: {error.strerror}. Choose another with PORT="
        ) from error
    # Other kernels do not balance such sockets, so all front ends accept on one socket.
    return listeners + [first] * (count - len(listeners))


def url_of(listener: socket.socket) -> str:
    """Return the URL of a listening socket as seen from this machine."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
