"""A download ends in a photo within the limits or in an error in time, whatever the server does."""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Iterator
from itertools import cycle
from urllib.parse import quote

import pytest

from app.sources.addresses import Address
from app.sources.allow_list import AllowList
from app.sources.client import Source, Upstream
from app.sources.pinned_network import Resolve
from app.sources.source_url import parse_source_url
from contract.errors import (
    BodyTooLargeError,
    DeadlineError,
    ForbiddenSourceError,
    FoveateError,
    QueueFullError,
    UpstreamError,
)
from tests.hostile_upstream import MODIFIED, PHOTO, HostileUpstream, hostile_upstream

MAX_BYTES = 1_000_000


@pytest.fixture(scope="module")
def server() -> Iterator[HostileUpstream]:
    with hostile_upstream() as upstream:
        yield upstream


def fetch(
    url: str,
    *,
    hosts: tuple[str, ...] = ("*",),
    loopback_port: int | None = None,
    resolve: Resolve | None = None,
    allocate: Callable[[int], None] = lambda _: None,
    timeout_s: float = 10,
    read_timeout_s: float = 10,
) -> Source:
    """Fetch ``url`` with a small limit on bytes."""

    async def run() -> Source:
        upstream = Upstream(
            AllowList(hosts, (80, 443), loopback_port),
            max_bytes=MAX_BYTES,
            timeout_s=timeout_s,
            read_timeout_s=read_timeout_s,
            resolve=resolve,
        )
        try:
            return await upstream.fetch(parse_source_url(url), allocate)
        finally:
            await upstream.close()

    return asyncio.run(run())


def test_a_photo_is_fetched(server: HostileUpstream) -> None:
    sizes: list[int] = []
    source = fetch(server.url("/photo.jpg"), loopback_port=server.port, allocate=sizes.append)
    assert source.data == PHOTO
    assert source.headers["last-modified"] == MODIFIED
    assert sizes[-1] == len(PHOTO)
    head = server.requests[-1].lower()
    assert f"host: 127.0.0.1:{server.port}\r\n" in head
    assert "accept-encoding: identity\r\n" in head
    assert "cookie" not in head


def test_a_few_redirects_are_followed(server: HostileUpstream) -> None:
    for path in ("/hops/3", "/redirect/http://localhost:PORT/photo.jpg"):
        assert fetch(server.url(path), loopback_port=server.port).data == PHOTO


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_each_kind_of_redirect_is_followed(server: HostileUpstream, status: int) -> None:
    assert fetch(server.url(f"/status/{status}"), loopback_port=server.port).data == PHOTO


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/odd/my photo.jpg", "/odd/my%20photo.jpg"),
        ("http://127.0.0.1:PORT/odd/a b?c d", "/odd/a%20b?c%20d"),
        ("/odd/\u00fc\u4e16.jpg?\u00e9", "/odd/%C3%BC%E4%B8%96.jpg?%C3%A9"),
        ('/odd/[a]{b}|"c".jpg', "/odd/%5Ba%5D%7Bb%7D%7C%22c%22.jpg"),
        ('/odd/?w[]={1}|"2"', "/odd/?w%5B%5D=%7B1%7D%7C%222%22"),
        ("/odd/<a>^`.jpg", "/odd/%3Ca%3E%5E%60.jpg"),
        ("/odd/100%.jpg?50%&%4", "/odd/100%25.jpg?50%25&%254"),
        ("/odd/a%20b%2Fc'!.jpg#d e", "/odd/a%20b%2Fc'!.jpg"),
    ],
)
def test_an_unescaped_redirect_is_escaped_and_followed(
    server: HostileUpstream, location: str, expected: str
) -> None:
    url = server.url(f"/redirect/{quote(location, safe='')}")
    assert fetch(url, loopback_port=server.port).data == PHOTO
    assert server.paths[-1] == expected


def test_bytes_of_a_redirect_that_are_no_utf8_are_kept(server: HostileUpstream) -> None:
    assert fetch(server.url("/redirect/%2Fodd%2F%FC.jpg"), loopback_port=server.port).data == PHOTO
    assert server.paths[-1] == "/odd/%FC.jpg"


@pytest.mark.parametrize("kind", ["empty-encoding", "identity", "aws-chunked", "no-encodings"])
def test_an_encoding_without_compression_is_ignored(server: HostileUpstream, kind: str) -> None:
    assert fetch(server.url(f"/headers/{kind}"), loopback_port=server.port).data == PHOTO


@pytest.mark.parametrize(
    ("kind", "name"), [("gzip", "gzip"), ("aws-gzip", "gzip"), ("two-encodings", "br")]
)
def test_a_compressed_response_is_refused_by_name(
    server: HostileUpstream, kind: str, name: str
) -> None:
    with pytest.raises(UpstreamError, match=f"'{name}'"):
        fetch(server.url(f"/headers/{kind}"), loopback_port=server.port)


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/loop", UpstreamError),
        ("/hops/4", UpstreamError),
        ("/nowhere", UpstreamError),
        ("/two-places", ForbiddenSourceError),
        ("/status/404", UpstreamError),
        ("/status/500", UpstreamError),
        ("/status/206", UpstreamError),
        ("/status/204", UpstreamError),
        ("/status/304", UpstreamError),
        ("/headers/gzip", UpstreamError),
        ("/headers/aws-gzip", UpstreamError),
        ("/headers/two-encodings", UpstreamError),
        ("/nonsense", UpstreamError),
        ("/nothing", UpstreamError),
        ("/two-lengths", UpstreamError),
        ("/endless-head", UpstreamError),
        # The announced length is more than is sent, more than is accepted, and too large a number.
        (f"/announce/{len(PHOTO) + 1}", UpstreamError),
        (f"/announce/{MAX_BYTES + 1}", BodyTooLargeError),
        ("/announce/99999999999999999999", FoveateError),
        ("/endless", BodyTooLargeError),
        ("/endless-chunks", BodyTooLargeError),
        # Redirects are checked like the first URL.
        ("/redirect/http://127.0.0.1/", ForbiddenSourceError),
        ("/redirect/http://10.0.0.1/", ForbiddenSourceError),
        ("/redirect/http://169.254.169.254/latest/meta-data/", ForbiddenSourceError),
        ("/redirect/http://%5B::ffff:127.0.0.1%5D:PORT/photo.jpg", ForbiddenSourceError),
        ("/redirect/http://%5B::%5D:PORT/photo.jpg", ForbiddenSourceError),
        ("/redirect/http://0.0.0.0:PORT/photo.jpg", ForbiddenSourceError),
        ("/redirect/http://127.0.0.2:PORT/photo.jpg", ForbiddenSourceError),
        ("/redirect/http://2130706433:PORT/photo.jpg", ForbiddenSourceError),
        ("/redirect/http://0x7f.1:PORT/photo.jpg", ForbiddenSourceError),
        ("/redirect/http://0177.0.0.1:PORT/photo.jpg", ForbiddenSourceError),
        ("/redirect/http://a@127.0.0.1:PORT/photo.jpg", ForbiddenSourceError),
        # What browsers escape in a path is no host: the check sees what would be connected to.
        ("/redirect/http://127.0.0.1:PORT%5C@10.0.0.1/", ForbiddenSourceError),
        ("/redirect/http://127.0.0.1:PORT%20@10.0.0.1/", ForbiddenSourceError),
        ("/redirect/http://127.0.0.1%20:PORT/photo.jpg", ForbiddenSourceError),
        ("/redirect/http://127.0.0.1:PORT%5Cphoto.jpg", ForbiddenSourceError),
        ("/redirect/http://%E2%91%A0%E2%91%A1%E2%91%A6.0.0.1:PORT/", ForbiddenSourceError),
        ("/redirect/http://127.0.0.1:22/", ForbiddenSourceError),
        ("/redirect/file:///etc/passwd", ForbiddenSourceError),
    ],
)
def test_an_invalid_response_is_an_error(
    server: HostileUpstream, path: str, error: type[FoveateError]
) -> None:
    before = len(server.requests)
    with pytest.raises(error):
        fetch(server.url(path), loopback_port=server.port)
    if path.startswith("/redirect/"):
        assert server.paths[before:] == [path]


@pytest.mark.parametrize("path", ["/silence", "/stall"])
def test_a_server_that_stops_sending_is_given_up(server: HostileUpstream, path: str) -> None:
    with pytest.raises(DeadlineError):
        fetch(server.url(path), loopback_port=server.port, read_timeout_s=0.3)


@pytest.mark.parametrize("path", ["/drip", "/endless-interim"])
def test_a_server_that_sends_slowly_is_given_up(server: HostileUpstream, path: str) -> None:
    with pytest.raises(DeadlineError):
        fetch(server.url(path), loopback_port=server.port, timeout_s=0.6)


def test_a_body_longer_than_announced_is_cut_there(server: HostileUpstream) -> None:
    assert fetch(server.url("/announce/1000"), loopback_port=server.port).data == PHOTO[:1000]


def test_the_error_of_allocate_is_raised(server: HostileUpstream) -> None:
    def refuse(size_bytes: int) -> None:
        raise QueueFullError(f"{size_bytes} bytes")

    with pytest.raises(QueueFullError):
        fetch(server.url("/photo.jpg"), loopback_port=server.port, allocate=refuse)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_without_the_setting_loopback_is_forbidden(server: HostileUpstream, host: str) -> None:
    before = len(server.requests)
    with pytest.raises(ForbiddenSourceError):
        fetch(f"http://{host}:{server.port}/photo.jpg")
    with pytest.raises(ForbiddenSourceError):
        fetch(f"http://{host}/photo.jpg", loopback_port=server.port)
    assert len(server.requests) == before


def test_a_host_that_is_not_listed_is_forbidden(server: HostileUpstream) -> None:
    with pytest.raises(ForbiddenSourceError):
        fetch(server.url("/photo.jpg"), hosts=("localhost",), loopback_port=server.port)


class Rebinding:
    """A resolver that returns the next list of addresses at each call."""

    def __init__(self, *addresses: list[str]) -> None:
        self._addresses = cycle(addresses)
        self.calls = 0

    async def __call__(self, *_: object) -> list[Address]:
        self.calls += 1
        return [ipaddress.ip_address(text) for text in next(self._addresses)]


def test_each_fetch_resolves_and_checks_the_name_again(server: HostileUpstream) -> None:
    rebinding = Rebinding(["127.0.0.1"], ["10.0.0.1"])
    url = f"http://rebinding.example:{server.port}/photo.jpg"
    assert fetch(url, loopback_port=server.port, resolve=rebinding).data == PHOTO
    assert rebinding.calls == 1
    assert f"Host: rebinding.example:{server.port}" in server.requests[-1]
    with pytest.raises(ForbiddenSourceError):
        fetch(url, loopback_port=server.port, resolve=rebinding)
    assert rebinding.calls == 2


def test_a_redirect_to_the_same_name_is_resolved_and_checked_again(server: HostileUpstream) -> None:
    rebinding = Rebinding(["127.0.0.1"], ["169.254.169.254"])
    url = f"http://rebinding.example:{server.port}/hops/2"
    before = len(server.requests)
    with pytest.raises(ForbiddenSourceError):
        fetch(url, loopback_port=server.port, resolve=rebinding)
    assert server.paths[before:] == ["/hops/2"]


def test_a_name_that_does_not_resolve_is_an_upstream_error() -> None:
    async def fail(*_: object) -> list[Address]:
        raise socket.gaierror(-2, "unknown")

    with pytest.raises(UpstreamError):
        fetch("http://unknown.example/", resolve=fail)


def test_a_server_without_tls_is_an_error_for_https(server: HostileUpstream) -> None:
    with pytest.raises((UpstreamError, DeadlineError)):
        fetch(
            f"https://127.0.0.1:{server.port}/photo.jpg",
            loopback_port=server.port,
            read_timeout_s=0.3,
        )


def test_a_proxy_of_the_environment_is_not_used(
    server: HostileUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert fetch(server.url("/photo.jpg"), loopback_port=server.port).data == PHOTO
