"""One port for several processes, and for no other service."""

import select
import socket

import pytest

from app.supervision.listening import ListenError, listen, url_of


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_each_of_several_gets_connections_of_one_port(host: str) -> None:
    try:
        listeners = listen(host, 0, 3)
    except ListenError:
        pytest.skip(f"no {host} here")
    address = listeners[0].getsockname()
    assert all(listener.getsockname() == address for listener in listeners)
    clients = [socket.create_connection(address[:2], 5) for _ in range(64)]
    waiting, _, _ = select.select(listeners, [], [], 5)
    assert len(waiting) == 3
    for one in (*clients, *listeners):
        one.close()


@pytest.mark.parametrize("count", [1, 2])
def test_a_port_that_others_share_is_taken(count: int) -> None:
    listeners = listen("127.0.0.1", 0, 2)
    port = listeners[0].getsockname()[1]
    assert url_of(listeners[1]) == f"http://127.0.0.1:{port}"
    with pytest.raises(ListenError, match="in use"):
        listen("127.0.0.1", port, count)
    for one in listeners:
        one.close()
    # Gone with its holders, at once.
    for one in listen("127.0.0.1", port, count):
        one.close()
