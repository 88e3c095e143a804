"""Slow clients are slow, and come back when they are cut off."""

import socket
import threading
import time

from bench.robustness.slow_clients import HEADS, SlowClients


def test_they_drip_and_connect_again() -> None:
    got: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        for number in range(4):
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(5)
                if number < 2:  # cut off at once: it connects again
                    continue
                received = b""
                while not received.endswith(b"aaa"):
                    received += connection.recv(1000)
                got.append(received)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        slow = SlowClients(f"http://127.0.0.1:{listener.getsockname()[1]}", 2, 0.05)
        slow.start()
        thread.join(10)
        assert not thread.is_alive()
        time.sleep(0.1)
        slow.stop()
    assert len(got) == 2
    assert all(received.startswith(tuple(HEADS.values())) for received in got)
    assert slow.events["head connections"] + slow.events["body connections"] >= 4
