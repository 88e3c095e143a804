"""A Redis URL is checked without being shown; of a valid one, the place is shown."""

import traceback

import pytest
from redis import Redis

from contract.redis_url import check_redis_url, describe_redis_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1:6379/0", "127.0.0.1:6379, database 0"),
        ("rediss://host", "host:6379, database 0"),
        ("redis://user:secret@host:1/2", "host:1, database 2"),
        ("redis://:sec@ret@host", "host:6379, database 0"),
        ("redis://host:1?password=secret&db=3", "host:1, database 3"),
        ("redis://:%2F%3F%23@host", "host:6379, database 0"),
        ("redis://", "localhost:6379, database 0"),
        ("unix:///run/redis.sock?db=1", "/run/redis.sock, database 1"),
        ("unix://user:secret@/run/redis.sock", "/run/redis.sock, database 0"),
        ("unix:///run/redis.sock?password=secret", "/run/redis.sock, database 0"),
    ],
)
def test_only_the_place_of_a_valid_url_is_shown(url: str, shown: str) -> None:
    assert check_redis_url(url) == url
    assert describe_redis_url(url) == shown
    Redis.from_url(url).close()


@pytest.mark.parametrize(
    "url",
    [
        *("", "secret", "http://secret@host", "//secret@host", "redis:secret"),
        # Passwords with characters that are not escaped.
        *(
            "redis://:sec/secret@host/0",
            "redis://:12/secret@host/0",
            "redis://user:1?secret@host/0",
        ),
        *("redis://user:1#secret@host", "redis://user:1?secret=x@host", "redis://[secret@host"),
        *("unix://:sec/secret@/run/x", "unix://user:1/secret@/run/x", "unix://secret/run/x"),
        *("redis://host/secret", "redis://host?secret=1", "redis://host?db=secret"),
        *("redis://host?protocol=secret", "redis://host:secret", "redis://host:70000/#secret"),
        *("unix://", "redis://host:0", "redis://ho\u2100st:secret"),
    ],
)
def test_no_part_of_an_invalid_url_is_shown(url: str) -> None:
    with pytest.raises(ValueError, match="it ") as caught:
        check_redis_url(url)
    assert "secret" not in "".join(traceback.format_exception_only(caught.value))
    assert caught.value.__context__ is None or caught.value.__suppress_context__
