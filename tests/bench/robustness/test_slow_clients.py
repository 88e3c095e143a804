"""Slow clients send byte by byte, and reconnect when they are disconnected."""

import socket
import threading
import time

from bench.robustness.slow_clients import HEADS, SlowClients


def test_slow_clients_send_bytes_and_reconnect() -> None:
    received_all: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        for number in range(4):
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(5)
                if number < 2:  # disconnect at once
                    continue
                received = b""
                while not received.endswith(b"aaa"):
                    received += connection.recv(1000)
                received_all.append(received)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        slow = SlowClients(f"http://127.0.0.1:{listener.getsockname()[1]}", 2, 0.05)
        slow.start()
        thread.join(10)
        assert not thread.is_alive()
        time.sleep(0.1)
        slow.stop()
    assert len(received_all) == 2
    assert all(received.startswith(tuple(HEADS.values())) for received in received_all)
    assert slow.events["head connections"] + slow.events["body connections"] >= 4
