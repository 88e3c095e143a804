"""Silent clients send the beginning of a request, read nothing, and connect again when closed."""

import io
import socket
import threading

from PIL import Image

from bench.robustness.silent_clients import SilentClients, create_small_of_large, list_states


def test_silent_clients_send_and_connect_again() -> None:
    received: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        for _ in range(4):
            connection, _ = listener.accept()
            with connection:
                received.append(connection.recv(1000))

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        silent = SilentClients(f"http://127.0.0.1:{listener.getsockname()[1]}", b"GET ", 2)
        silent.start()
        thread.join(10)
        assert not thread.is_alive()
        silent.stop()
    assert received == [b"GET "] * 4
    assert silent.events["closed by the service"] >= 2


def test_each_state_is_the_beginning_of_a_request() -> None:
    states = list_states(b"photo", b"small", "/jobs/x/image")
    assert states.pop("connected") == b""
    assert all(start.startswith((b"GET /", b"POST /")) for start in states.values())
    assert states["trailer"].endswith(b"5\r\nphoto\r\n0\r\nX-Silent: ")
    assert states["waiting"].endswith(b"Content-Length: 5\r\n\r\nphoto")


def test_a_small_upload_has_a_large_result() -> None:
    small, large = create_small_of_large(3200), io.BytesIO()
    Image.open(io.BytesIO(small)).save(large, "JPEG", quality=95)
    assert len(large.getvalue()) > 10 * len(small)
