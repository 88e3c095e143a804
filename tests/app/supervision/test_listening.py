"""Several processes share one port, and no other service can take it."""

import select
import socket

import pytest

from app.supervision.listening import ListenError, listen, url_of


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_connections_are_spread_over_the_sockets_of_a_port(host: str) -> None:
    try:
        listeners = listen(host, 0, 3)
    except ListenError:
        pytest.skip(f"this machine has no {host}")
    address = listeners[0].getsockname()
    assert all(listener.getsockname() == address for listener in listeners)
    clients = [socket.create_connection(address[:2], 5) for _ in range(64)]
    waiting, _, _ = select.select(listeners, [], [], 5)
    assert len(waiting) == 3
    for one in (*clients, *listeners):
        one.close()


@pytest.mark.parametrize("count", [1, 2])
def test_a_port_that_another_service_shares_is_taken(count: int) -> None:
    listeners = listen("127.0.0.1", 0, 2)
    port = listeners[0].getsockname()[1]
    assert url_of(listeners[1]) == f"http://127.0.0.1:{port}"
    with pytest.raises(ListenError, match="in use"):
        listen("127.0.0.1", port, count)
    for one in listeners:
        one.close()
    # It is free as soon as those sockets are closed.
    for one in listen("127.0.0.1", port, count):
        one.close()
