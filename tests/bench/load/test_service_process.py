"""The roles of the service's processes."""

from bench.load.service_process import find_role


def test_the_role_follows_from_the_command_line() -> None:
    assert find_role(["python", "-m", "app", "serve", "--fd", "3"]) == "app"
    assert find_role(["python", "-m", "worker", "--name", "worker-1"]) == "worker"
    assert find_role(["valkey-server unixsocket:redis.sock"]) == "redis"
    assert find_role([]) == "redis"
