"""A Redis server is found, started on a unix socket, and waited for."""

import os
import socket
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from redis import Redis

from app.supervision import embedded_redis
from app.supervision.embedded_redis import (
    MIN_VERSION,
    EmbeddedError,
    find_bundled_server,
    find_server,
    read_major_version,
    wait_until_up,
)

Install = Callable[[str, str], Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Make ``tmp_path`` the only folder of the PATH; return what adds a server of a version."""
    monkeypatch.setenv("PATH", str(tmp_path))

    def add(name: str, version: str) -> Path:
        server = tmp_path / name
        server.write_text(f"#!/bin/sh\necho 'Server v={version} bits=64'\n")
        server.chmod(0o755)
        return server

    return add


def test_the_bundled_server_runs_and_is_new_enough() -> None:
    server = find_bundled_server()
    assert server is not None
    assert os.access(server, os.X_OK)
    assert read_major_version(str(server)) >= MIN_VERSION


def test_the_systems_server_is_used_and_valkey_before_redis(install: Install) -> None:
    assert find_server() == find_bundled_server()
    redis = install("redis-server", "7.2.4")
    assert find_server() == redis
    valkey = install("valkey-server", "8.0.0")
    assert find_server() == valkey


def test_a_server_of_the_system_that_is_too_old_is_not_used(install: Install) -> None:
    install("valkey-server", "6.9.9")
    install("redis-server", "6.2.0")
    assert find_server() == find_bundled_server()


def test_without_any_server_the_error_says_what_to_do(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("redis-server", "none")

    def fail(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(embedded_redis, "files", fail)
    with pytest.raises(EmbeddedError, match="set REDIS_URL or install"):
        find_server()


def test_the_server_persists_nothing_and_refuses_writes_when_full(connection: Redis) -> None:
    settings = connection.config_get("*")
    expected = {
        "port": "0",
        "save": "",
        "appendonly": "no",
        "maxmemory": str(2**30),
        "maxmemory-policy": "noeviction",
        "unixsocketperm": "600",
    }
    assert {name: settings[name] for name in expected} == expected


def test_a_server_that_listens_but_never_responds_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded_redis, "START_TIMEOUT_S", 0.2)
    monkeypatch.setattr(embedded_redis, "ATTEMPT_TIMEOUT_S", 0.05)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "redis.sock"))
        listener.listen(64)
        with pytest.raises(EmbeddedError, match="does not respond"):
            wait_until_up(embedded_redis.url(tmp_path), give_up=lambda: False)


def test_giving_up_ends_the_wait(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="does not respond"):
        wait_until_up(embedded_redis.url(tmp_path), give_up=lambda: True)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:secret@127.0.0.1:1/2", "at 127.0.0.1:1, database 2: "),
        ("redis://127.0.0.1:1?password=secret", "at 127.0.0.1:1, database 0: "),
        ("unix://:secret@/nonexistent/redis.sock", "at /nonexistent/redis.sock, database 0: "),
    ],
)
def test_the_error_shows_the_place_only(url: str, shown: str) -> None:
    with pytest.raises(EmbeddedError) as caught:
        wait_until_up(url, give_up=lambda: True)
    assert shown in str(caught.value)
    assert "secret" not in str(caught.value)
