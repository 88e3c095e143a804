"""Several front ends share a port and a folder; a single one needs no folder."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.supervision.front_ends import FRONT_END_ROLE, FrontEnds, up_file

ENVIRONMENT = {"REDIS_URL": "redis://x"}


@pytest.fixture
def three() -> Iterator[FrontEnds]:
    front_ends = FrontEnds("127.0.0.1", 0, 3)
    yield front_ends
    front_ends.close_sockets()
    front_ends.clean_up()


def shared_folder(front_ends: FrontEnds) -> Path:
    command = front_ends.children(ENVIRONMENT)[0].command
    return Path(command[command.index("--shared") + 1])


def test_a_single_front_end_shares_nothing() -> None:
    front_ends = FrontEnds("127.0.0.1", 0, 1)
    (child,) = front_ends.children(ENVIRONMENT)
    assert (child.role, child.environment, child.number) == (FRONT_END_ROLE, ENVIRONMENT, 1)
    (fd,) = child.pass_fds
    assert child.command == [sys.executable, "-m", "app", "serve", "--fd", str(fd)]
    assert front_ends.all_up()
    front_ends.on_exit(child)
    front_ends.close_sockets()
    front_ends.clean_up()


def test_each_of_several_has_a_number_a_socket_and_the_shared_folder(three: FrontEnds) -> None:
    children = three.children(ENVIRONMENT)
    folder = shared_folder(three)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [child.number for child in children] == [1, 2, 3]
    assert len({child.pass_fds for child in children}) == (3 if sys.platform == "linux" else 1)
    for child in children:
        ending = ["--number", str(child.number), "--shared", str(folder)]
        assert child.command[-4:] == ending


def test_several_are_up_when_each_has_its_file(three: FrontEnds) -> None:
    folder = shared_folder(three)
    for number in (1, 2, 3):
        assert not three.all_up()
        up_file(folder, number).touch()
    assert three.all_up()
    three.on_exit(three.children(ENVIRONMENT)[1])
    assert not three.all_up()


def test_the_live_gauges_of_a_dead_front_end_are_removed(three: FrontEnds) -> None:
    folder = shared_folder(three)
    for name in ("gauge_livesum_2.db", "gauge_livesum_3.db", "counter_2.db"):
        (folder / name).touch()
    three.on_exit(three.children(ENVIRONMENT)[1])
    assert {path.name for path in folder.iterdir()} == {"gauge_livesum_3.db", "counter_2.db"}


def test_after_closing_connections_are_refused_and_the_folder_is_removed() -> None:
    front_ends = FrontEnds("127.0.0.1", 0, 2)
    port = urlsplit(front_ends.url).port or 0
    folder = shared_folder(front_ends)
    socket.create_connection(("127.0.0.1", port), 5).close()
    front_ends.close_sockets()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5)
    front_ends.clean_up()
    assert not folder.exists()
