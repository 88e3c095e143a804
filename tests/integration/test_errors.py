"""Bad input gets a problem document (RFC 9457), and nothing is left of it."""

import contextlib
import http.client
import json
import socket
from urllib.parse import urlsplit

import httpx
import pytest
from PIL import Image
from redis import Redis

from tests.integration.running import Running, metric, wait_for, wait_until_no_jobs
from tests.photos import file_of, photo

GOOD = file_of(photo())


def problem(response: httpx.Response) -> tuple[int, str]:
    """Return the status and the last part of the problem's type; check the document's form."""
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-request-id"]
    document = response.json()
    assert document["status"] == response.status_code
    assert document["title"]
    assert document["detail"]
    return response.status_code, document["type"].removeprefix("urn:foveate:problem:")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", (400, "malformed-request")),
        (b"hello", (415, "unsupported-image")),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", (415, "unsupported-image")),
        (GOOD[: len(GOOD) // 2], (422, "corrupt-image")),
        (GOOD[:20], (422, "corrupt-image")),
        (file_of(Image.new("L", (2001, 1500))), (413, "too-many-pixels")),
        (bytes(4_000_001), (413, "body-too-large")),
    ],
)
def test_a_body_that_is_no_acceptable_photo(
    client: httpx.Client, content: bytes, expected: tuple[int, str]
) -> None:
    assert problem(client.post("/compress", content=content)) == expected


@pytest.mark.parametrize(
    "query",
    [
        *(
            "quality=0",
            "quality=x",
            "strength=2",
            "target=bytes",
            "qualty=5",
            "quality=5&quality=6",
        ),
        *("max_bytes=0", "max_bytes=-1", "max_bytes=1e99", "max_bytes=NaN", "max_bytes="),
        *("floor=0", "floor=101", "floor=text", "progressive=maybe", "subsampling=411"),
        f"max_bytes={'9' * 400}",
    ],
)
def test_a_wrong_option_is_named(client: httpx.Client, query: str) -> None:
    response = client.post(f"/compress?{query}", content=GOOD)
    assert problem(response) == (422, "invalid-option")
    assert query.split("=", maxsplit=1)[0] in response.json()["detail"]


def test_wrong_forms_are_refused(client: httpx.Client) -> None:
    def post(**form: object) -> tuple[int, str]:
        return problem(client.post("/compress", **form))  # type: ignore[arg-type]

    assert post(files={"photo": GOOD}) == (422, "invalid-option")
    assert post(files={"other": (None, "text")}) == (400, "malformed-request")
    assert post(files={"file": GOOD}, data={"quality": "0"}) == (422, "invalid-option")
    twice = {"files": {"file": GOOD}, "data": {"quality": "60"}, "params": {"quality": "50"}}
    assert post(**twice) == (422, "invalid-option")
    two_files = [("file", GOOD), ("file", GOOD)]
    assert post(files=two_files) == (400, "malformed-request")
    many = {f"field{number}": "1" for number in range(100)}
    assert post(files={"file": GOOD}, data=many) == (400, "malformed-request")
    headers = {"Content-Type": "multipart/form-data"}
    assert post(content=b"x", headers=headers) == (400, "malformed-request")
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    unfinished = b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n' + GOOD
    assert post(content=unfinished, headers=headers) == (400, "malformed-request")
    assert post(content=b"nonsense", headers=headers) == (400, "malformed-request")
    assert post(files={"file": bytes(4_100_000)}) == (413, "body-too-large")


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Type: multipart/form-data; charset=undefined; boundary=x",
        b"Content-Type: multipart/form-data; boundary=" + b"x" * 5000,
        b"Content-Type: \xff\xfe\r\nContent-Type: image/png",
        b"Host: [",
        b"Host: \xff:99999999",
        b"X-Forwarded-For: \xff,[::1,a:b:99999\r\nX-Forwarded-Proto: \xff",
        b"Expect: 200-maybe",
        b"Transfer-Encoding: gzip, chunked\r\nContent-Length: 1",
        b"Content-Length: " + b"9" * 5000,
        b"Content-Length: 1, 1",
        b"Upgrade: websocket\r\nConnection: Upgrade",
        b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings",
        b"Range: bytes=9-,-,x\r\nIf-Range: \xff",
        b"X-Request-ID: \x01\r\nCookie: \xff=\x7f",
    ],
)
def test_an_odd_header_is_at_worst_a_client_s_error(service: Running, lines: bytes) -> None:
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(
            b"POST /compress HTTP/1.1\r\nConnection: close\r\n" + lines + b"\r\n\r\nx"
        )
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as response:
            status = int(response.readline().split()[1] or 0)
    assert 400 <= status < 500


def test_a_large_content_length_is_refused_before_the_body(service: Running) -> None:
    address = urlsplit(service.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=10)
    connection.putrequest("POST", "/compress")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders()
    response = connection.getresponse()
    assert response.status == 413
    assert json.loads(response.read())["type"].endswith("body-too-large")
    connection.close()


@pytest.mark.parametrize("piece", [b"a" * 1000, b"a: b\r\n" * 100])
def test_an_endless_head_ends_the_connection(service: Running, piece: bytes) -> None:
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nX-Long: ")
        sent = 0
        with contextlib.suppress(OSError):
            while sent < 30_000_000:
                connection.sendall(piece)
                sent += len(piece)
    assert sent < 20_000_000


def test_a_refused_body_does_not_end_the_connection(service: Running) -> None:
    address = urlsplit(service.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
    for _ in range(50):
        connection.request("POST", "/compress?quality=0", body=bytes(200_000))
        response = connection.getresponse()
        response.read()
        assert response.status == 422
    connection.close()


def test_an_endless_chunked_body_ends_the_connection(service: Running) -> None:
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        connection.sendall(
            b"POST /compress HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
        sent = 0
        try:
            while sent < 100_000_000:
                connection.sendall(chunk)
                sent += len(chunk)
        except OSError:
            pass
    assert sent < 60_000_000


def test_unknown_paths_and_methods_are_problems(client: httpx.Client) -> None:
    assert problem(client.get("/nothing")) == (404, "not-found")
    assert problem(client.get("/compress")) == (405, "method-not-allowed")
    assert problem(client.get("/jobs/unknown/heatmap")) == (404, "unknown-job")


def test_uploads_of_clients_that_disconnect_leave_nothing(
    service: Running, client: httpx.Client, redis_of_service: Redis
) -> None:
    address = urlsplit(service.url)
    head = f"POST /compress HTTP/1.1\r\nHost: x\r\nContent-Length: {len(GOOD)}\r\n\r\n".encode()
    for body in (GOOD[:1000], GOOD):
        for _ in range(5):
            with socket.create_connection(
                (address.hostname, address.port), timeout=10
            ) as connection:
                connection.sendall(head + body)
    wait_for(lambda: metric(service.url, "foveate_pending_uploads") == 0)
    wait_until_no_jobs(redis_of_service, 30)
    assert client.post("/compress", content=GOOD).status_code == 200
