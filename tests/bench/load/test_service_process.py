"""The roles of the service's processes."""

from bench.load.service_process import role_of


def test_processes_are_told_apart_by_their_command() -> None:
    assert role_of(["python", "-m", "app", "serve", "--fd", "3"]) == "app"
    assert role_of(["python", "-m", "worker", "--name", "worker-1"]) == "worker"
    assert role_of(["valkey-server unixsocket:redis.sock"]) == "redis"
    assert role_of([]) == "redis"
