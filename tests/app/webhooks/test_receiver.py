"""One attempt ends in time, whatever the receiver does, and goes nowhere else."""

import asyncio
import ipaddress
import time
from collections.abc import Iterator

import pytest

from app.sources.addresses import Address
from app.sources.allow_list import AllowList
from app.sources.pinned_network import Resolve
from app.sources.source_url import parse_source_url
from app.webhooks.receiver import Answer, Receivers
from contract.errors import InvalidOptionError
from tests.app.webhooks.receiving import RAW_KEY, Receiver, run_receiver
from tests.hostile_upstream import HostileUpstream, hostile_upstream

BODY = b'{"type": "job.finished"}'


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileUpstream]:
    with hostile_upstream() as server:
        yield server


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with run_receiver() as server:
        yield server


def send(
    url: str,
    loopback_port: int | None,
    *,
    hosts: tuple[str, ...] = ("*",),
    timeout_s: float = 5,
    resolve: Resolve | None = None,
) -> Answer:
    async def run() -> Answer:
        receivers = Receivers(
            AllowList(hosts, (80, 443), loopback_port),
            [b"o" * 24, RAW_KEY],
            timeout_s=timeout_s,
            resolve=resolve,
        )
        try:
            return await receivers.send(parse_source_url(url), "the-id", BODY)
        finally:
            await receivers.close()

    return asyncio.run(run())


def test_a_webhook_is_signed_by_each_key(receiver: Receiver) -> None:
    assert send(receiver.url("/hook?a=b"), receiver.port) == "delivered"
    [received] = receiver.received
    assert (received.path, received.body) == ("/hook?a=b", BODY)
    assert received.headers["webhook-id"] == "the-id"
    assert received.headers["content-type"] == "application/json"
    assert abs(int(received.headers["webhook-timestamp"]) - time.time()) < 5
    assert received.has_signature_of(RAW_KEY)
    assert received.has_signature_of(b"o" * 24)
    assert not received.has_signature_of(b"x" * 24)


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        *((status, "delivered") for status in (200, 201, 202, 204, 299)),
        *((status, "failed") for status in (300, 304, 400, 401, 404, 429, 500, 503)),
        (410, "refused"),
    ],
)
def test_the_status_decides(receiver: Receiver, status: int, answer: Answer) -> None:
    receiver.statuses.append(status)
    assert send(receiver.url(), receiver.port) == answer


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(hostile: HostileUpstream, status: int) -> None:
    before = len(hostile.requests)
    assert send(hostile.url(f"/status/{status}"), hostile.port) == "failed"
    assert hostile.paths[before:] == [f"/status/{status}"]


@pytest.mark.parametrize(
    "path", ["/endless", "/endless-chunks", "/drip", "/stall", "/announce/99999999", "/announce/1"]
)
def test_the_body_of_an_answer_is_not_read(hostile: HostileUpstream, path: str) -> None:
    started_s = time.monotonic()
    assert send(hostile.url(path), hostile.port) == "delivered"
    assert time.monotonic() - started_s < 2


@pytest.mark.parametrize(
    "path",
    ["/silence", "/nonsense", "/nothing", "/two-lengths", "/endless-head", "/endless-interim"],
)
def test_an_answer_that_is_none_fails_in_time(hostile: HostileUpstream, path: str) -> None:
    started_s = time.monotonic()
    assert send(hostile.url(path), hostile.port, timeout_s=0.5) == "failed"
    assert time.monotonic() - started_s < 2


def test_a_dead_server_fails() -> None:
    with run_receiver() as receiver:
        pass
    assert send(receiver.url(), receiver.port) == "failed"


def test_only_allowed_addresses_are_connected_to(receiver: Receiver) -> None:
    async def resolve(*_: object) -> list[Address]:
        return [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("10.0.0.1")]

    # Without the setting, this machine is refused by address and by name.
    assert send(receiver.url(), None) == "failed"
    assert send(f"http://rebinding.example:{receiver.port}/", None, resolve=resolve) == "failed"
    assert send("http://rebinding.example/", receiver.port, resolve=resolve) == "failed"
    assert send(receiver.url(), receiver.port, hosts=("localhost",)) == "failed"
    assert receiver.received == []
    url = f"http://rebinding.example:{receiver.port}/"
    assert send(url, receiver.port, resolve=resolve) == "delivered"


def test_a_proxy_of_the_environment_is_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert send(receiver.url(), receiver.port) == "delivered"


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("", "absolute URL"),
        ("hook", "absolute URL"),
        ("//hooks.example/x", "absolute URL"),
        ("http://hooks.example/\r\nX: y", "absolute URL"),
        ("http://hooks.example/" + "x" * 1000, "more than 1000 characters"),
        ("http://hooks.example/#fragment", "absolute URL"),
        ("ftp://hooks.example/", "allow-list"),
        ("file:///etc/passwd", "allow-list"),
        ("http://user@hooks.example/", "allow-list"),
        ("http://hooks.example:22/", "allow-list"),
        ("http://hooks.example.evil/", "allow-list"),
        ("http://evilhooks.example/", "allow-list"),
        ("http://2130706433/", "allow-list"),
        ("http://169.254.169.254/", "allow-list"),
    ],
)
def test_a_url_is_checked_when_it_is_given(url: str, fault: str) -> None:
    async def run() -> None:
        receivers = Receivers(AllowList(("hooks.example",), (80, 443)), [RAW_KEY], timeout_s=1)
        assert str(receivers.check("https://hooks.example/a?b")) == "https://hooks.example/a?b"
        with pytest.raises(InvalidOptionError, match=f"'webhook'.*{fault}"):
            receivers.check(url)
        await receivers.close()

    asyncio.run(run())
