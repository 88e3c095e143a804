"""Random cuts: a proxy takes the place of the server's socket, also after the server's restart."""

import subprocess
import time
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from app.supervision import embedded_redis as embedded
from bench.robustness.chaos_cuts import RandomCuts


def start(folder: Path) -> "subprocess.Popen[bytes]":
    server = subprocess.Popen(embedded.command(embedded.find_server(), folder))
    embedded.wait_until_up(embedded.url(folder), give_up=lambda: server.poll() is not None)
    return server


def is_cut(client: Redis) -> bool:
    try:
        client.echo("text")
    except RedisError:
        return True
    return False


def send_until_cut(client: Redis, cuts: RandomCuts) -> None:
    """Send commands until some more of them were cut."""
    ends_s = time.monotonic() + 10
    enough = cuts.done.total() + 4
    while cuts.done.total() < enough:
        assert time.monotonic() < ends_s
        is_cut(client)
        time.sleep(0.01)


def test_connections_are_cut_until_the_end_also_after_a_restart(tmp_path: Path) -> None:
    server = start(tmp_path)
    url = embedded.url(tmp_path)
    with Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=5) as client:
        client.ping()  # over a connection that does not pass the proxy
        with RandomCuts(tmp_path / "redis.sock", 0.5, seed=1) as cuts:
            send_until_cut(client, cuts)
            server.kill()
            server.wait()
            server = start(tmp_path)
            send_until_cut(client, cuts)
            cuts.stop()
            after = cuts.done.total()
            assert not any(is_cut(client) for _ in range(20))
            assert cuts.done.total() == after
            assert {name.partition(" ")[0] for name in cuts.done} == {"before", "after"}
    server.kill()
    server.wait()
