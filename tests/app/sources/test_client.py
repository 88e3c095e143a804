"""Whatever a source's server does: it is a photo within the limits, or an error in time."""

import asyncio
import ipaddress
import socket
import time
from collections.abc import Iterator
from itertools import cycle

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
TIMEOUT_S = 1.5


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
    held: list[int] | None = None,
) -> Source:
    """Fetch ``url`` with small limits."""

    async def run() -> Source:
        upstream = Upstream(
            AllowList(hosts, (80, 443), loopback_port),
            max_bytes=MAX_BYTES,
            timeout_s=TIMEOUT_S,
            read_timeout_s=0.7,
            resolve=resolve,
        )
        try:
            hold = ([] if held is None else held).append
            return await upstream.fetch(parse_source_url(url), hold)
        finally:
            await upstream.close()

    return asyncio.run(run())


def test_a_photo_is_fetched(server: HostileUpstream) -> None:
    held: list[int] = []
    source = fetch(server.url("/photo.jpg"), loopback_port=server.port, held=held)
    assert source == Source(PHOTO, MODIFIED, "")
    assert held[-1] == len(PHOTO)
    head = server.requests[-1].lower()
    assert f"host: 127.0.0.1:{server.port}\r\n" in head
    assert "accept-encoding: identity\r\n" in head
    assert "cookie" not in head


def test_a_few_redirects_are_followed(server: HostileUpstream) -> None:
    for path in ("/hops/3", "/redirect/http://localhost:PORT/photo.jpg"):
        assert fetch(server.url(path), loopback_port=server.port).data == PHOTO


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
        ("/nonsense", UpstreamError),
        ("/nothing", UpstreamError),
        ("/two-lengths", UpstreamError),
        ("/endless-head", UpstreamError),
        # It announces more than it sends, more than is accepted, and more than a number can be.
        (f"/announce/{len(PHOTO) + 1}", UpstreamError),
        (f"/announce/{MAX_BYTES + 1}", BodyTooLargeError),
        ("/announce/99999999999999999999", FoveateError),
        ("/endless", BodyTooLargeError),
        ("/endless-chunks", BodyTooLargeError),
        ("/silence", DeadlineError),
        ("/stall", DeadlineError),
        ("/drip", DeadlineError),
        ("/endless-interim", DeadlineError),
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
        ("/redirect/http://127.0.0.1:22/", ForbiddenSourceError),
        ("/redirect/file:///etc/passwd", ForbiddenSourceError),
    ],
)
def test_what_a_server_may_not_do(
    server: HostileUpstream, path: str, error: type[FoveateError]
) -> None:
    asked = len(server.requests)
    started_s = time.monotonic()
    with pytest.raises(error):
        fetch(server.url(path), loopback_port=server.port)
    # It ends by itself; a busy machine takes longer to notice.
    assert time.monotonic() - started_s < TIMEOUT_S + 15
    if path.startswith("/redirect/"):
        assert server.paths[asked:] == [path]


def test_a_longer_body_than_announced_is_cut_there(server: HostileUpstream) -> None:
    assert fetch(server.url("/announce/1000"), loopback_port=server.port).data == PHOTO[:1000]


def test_what_is_held_can_be_refused(server: HostileUpstream) -> None:
    class Full(list[int]):
        def append(self, size: int) -> None:
            raise QueueFullError(f"{size} bytes")

    with pytest.raises(QueueFullError):
        fetch(server.url("/photo.jpg"), loopback_port=server.port, held=Full())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_without_the_setting_loopback_is_forbidden(server: HostileUpstream, host: str) -> None:
    asked = len(server.requests)
    with pytest.raises(ForbiddenSourceError):
        fetch(f"http://{host}:{server.port}/photo.jpg")
    with pytest.raises(ForbiddenSourceError):
        fetch(f"http://{host}/photo.jpg", loopback_port=server.port)
    assert len(server.requests) == asked


def test_hosts_are_matched_whole(server: HostileUpstream) -> None:
    def allowed(host: str, *patterns: str) -> bool:
        try:
            AllowList(patterns, (80,)).check_url(parse_source_url(f"http://{host}/"))
        except ForbiddenSourceError:
            return False
        return True

    assert allowed("a.example", "b.example", "a.example")
    assert allowed("x.a.example", "*.a.example")
    assert allowed("x.y.a.example", "*.a.example")
    assert not allowed("a.example", "*.a.example")
    assert not allowed("evila.example", "*.a.example", "a.example")
    assert not allowed("a.example.evil", "a.example", "*.a.example")
    with pytest.raises(ForbiddenSourceError):
        fetch(server.url("/photo.jpg"), hosts=("localhost",), loopback_port=server.port)


class Rebinding:
    """A name server with another answer each time."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = cycle(answers)
        self.asked = 0

    async def __call__(self, *_: object) -> list[Address]:
        self.asked += 1
        return [ipaddress.ip_address(text) for text in next(self._answers)]


def test_a_name_is_resolved_once_and_what_was_checked_is_connected_to(
    server: HostileUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    rebinding = Rebinding(["127.0.0.1"], ["10.0.0.1"])

    def nobody_else_resolves(host: str, *arguments: object, **named: object) -> object:
        ipaddress.ip_address(host)
        return real(host, *arguments, **named)  # type: ignore[arg-type]

    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", nobody_else_resolves)
    url = f"http://rebinding.example:{server.port}/photo.jpg"
    assert fetch(url, loopback_port=server.port, resolve=rebinding).data == PHOTO
    assert rebinding.asked == 1
    assert f"Host: rebinding.example:{server.port}" in server.requests[-1]
    # The next one asks anew, and is checked anew.
    with pytest.raises(ForbiddenSourceError):
        fetch(url, loopback_port=server.port, resolve=rebinding)
    assert rebinding.asked == 2


def test_a_redirect_to_the_same_name_is_resolved_and_checked_again(server: HostileUpstream) -> None:
    rebinding = Rebinding(["127.0.0.1"], ["169.254.169.254"])
    url = f"http://rebinding.example:{server.port}/hops/2"
    asked = len(server.requests)
    with pytest.raises(ForbiddenSourceError):
        fetch(url, loopback_port=server.port, resolve=rebinding)
    assert server.paths[asked:] == ["/hops/2"]


def test_of_mixed_addresses_only_permitted_ones_are_connected_to(server: HostileUpstream) -> None:
    mixed = Rebinding(["10.0.0.1", "::ffff:127.0.0.1", "169.254.169.254", "127.0.0.1"])
    url = f"http://mixed.example:{server.port}/photo.jpg"
    assert fetch(url, loopback_port=server.port, resolve=mixed).data == PHOTO


def test_the_next_address_is_tried_when_one_refuses(server: HostileUpstream) -> None:
    both = Rebinding(["::1", "127.0.0.1"])
    url = f"http://both.example:{server.port}/photo.jpg"
    assert fetch(url, loopback_port=server.port, resolve=both).data == PHOTO


def test_a_name_that_does_not_resolve_or_takes_too_long() -> None:
    async def fails(*_: object) -> list[Address]:
        raise socket.gaierror(-2, "unknown")

    async def hangs(*_: object) -> list[Address]:
        await asyncio.sleep(60)
        return []

    with pytest.raises(UpstreamError):
        fetch("http://unknown.example/", resolve=fails)
    with pytest.raises(DeadlineError):
        fetch("http://slow.example/", resolve=hangs)


def test_tls_verifies_the_name(server: HostileUpstream) -> None:
    with pytest.raises((UpstreamError, DeadlineError)):
        fetch(f"https://127.0.0.1:{server.port}/photo.jpg", loopback_port=server.port)


def test_a_proxy_of_the_environment_is_not_asked(
    server: HostileUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert fetch(server.url("/photo.jpg"), loopback_port=server.port).data == PHOTO
