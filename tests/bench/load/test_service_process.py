"""The roles of the service's processes, and the checkout to run."""

import argparse
import io
from pathlib import Path

import pytest

from bench.environment import ROOT
from bench.load import service_process
from bench.load.service_process import find_python, find_role, parse_checkout, read_url


def test_the_role_follows_from_the_command_line() -> None:
    assert find_role(["python", "-m", "app", "serve", "--fd", "3"]) == "app"
    assert find_role(["python", "-m", "worker", "--name", "worker-1"]) == "worker"
    assert find_role(["valkey-server unixsocket:redis.sock"]) == "redis"
    assert find_role([]) == "redis"


def test_a_checkout_is_a_folder_with_the_service(tmp_path: Path) -> None:
    assert parse_checkout(str(ROOT / "bench" / "..")) == ROOT
    with pytest.raises(argparse.ArgumentTypeError, match="is not a checkout of this project"):
        parse_checkout(str(tmp_path))


def test_a_checkout_s_own_interpreter_comes_first(tmp_path: Path) -> None:
    assert find_python(tmp_path) == service_process.sys.executable
    own = tmp_path / ".venv" / "bin" / "python"
    own.parent.mkdir(parents=True)
    own.touch()
    assert find_python(tmp_path) == str(own)


def test_the_url_is_read_from_the_supervisor_s_output() -> None:
    output = b"starting\nfoveate: ready at http://127.0.0.1:8000 (1 worker)\nmore\n"
    assert read_url(io.BytesIO(output)) == "http://127.0.0.1:8000"
    assert read_url(io.BytesIO(b"starting\n")) is None
