"""The proxy forwards commands, and cuts a connection before or after Redis executes one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

from bench.robustness.cutting_proxy import Cut, CuttingProxy, cut_nothing, find_end


@pytest.fixture
def proxy(redis_url: str, tmp_path: Path) -> Iterator[CuttingProxy]:
    with CuttingProxy(tmp_path / "proxy.sock", Path(urlsplit(redis_url).path)) as proxy:
        yield proxy


@pytest.fixture
def client(proxy: CuttingProxy, connection: Redis) -> Iterator[Redis]:
    """Return a client whose connections pass the proxy; Redis is empty."""
    assert connection.dbsize() == 0
    with Redis.from_url(proxy.url, retry=Retry(NoBackoff(), 0), socket_timeout=5) as client:
        yield client


def cut_at(name: bytes, when: Cut) -> Any:
    return lambda words: when if words[0] == name else None


def test_commands_and_replies_of_any_size_pass(client: Redis) -> None:
    value = bytes(range(256)) * 4096
    with client.pipeline() as pipeline:
        for number in range(20):
            pipeline.set(f"key-{number}", value).get(f"key-{number}")
        assert pipeline.execute()[1::2] == [value] * 20


@pytest.mark.parametrize(("when", "value"), [("before", None), ("after", b"value")])
def test_a_cut_loses_the_reply_and_before_a_command_also_the_command(
    proxy: CuttingProxy, client: Redis, connection: Redis, when: Cut, value: bytes | None
) -> None:
    client.ping()
    proxy.choose = cut_at(b"SET", when)
    with pytest.raises(RedisConnectionError):
        client.set("key", "value")
    assert connection.get("key") == value
    proxy.choose = cut_nothing
    assert client.get("key") == value  # over a new connection


def test_the_reply_to_a_blocking_command_is_lost_when_it_comes(
    proxy: CuttingProxy, client: Redis, connection: Redis
) -> None:
    proxy.choose = cut_at(b"BLMOVE", "after")
    connection.rpush("from", "value")
    with pytest.raises(RedisConnectionError):
        client.blmove("from", "to", 5)
    assert connection.lrange("to", 0, -1) == [b"value"]


@pytest.mark.parametrize(
    "part", [b"", b"*", b"*2\r\n", b"*2\r\n$3\r\nGET\r\n$3\r\n", b"*2\r\n$3\r\nGET\r\n$3\r\nkey"]
)
def test_a_part_of_a_command_is_not_one(part: bytes) -> None:
    assert find_end(bytearray(part)) is None


def test_the_first_of_several_commands_is_found() -> None:
    first = b"*2\r\n$3\r\nGET\r\n$5\r\n\r\n*1\r\r\n"
    assert find_end(bytearray(first + first)) == (len(first), [b"GET", b"\r\n*1\r"])
