"""Which servers are compared, and their first response."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from bench.load.service_process import ServiceError
from bench.service import compared_servers
from bench.service.compared_servers import (
    BEFORE,
    ONE_WORKER,
    Server,
    fetch_jpeg,
    find_installed,
    list_others,
    started_foveate,
)
from tests.bench.load.fake_service import JPEG, fake_service

OPTIONS = "quality=50"


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Record which servers would be started."""
    recorded: list[object] = []

    @contextmanager
    def start(*arguments: object, **options: object) -> Iterator[Server]:
        recorded.append(arguments or options)
        yield Server("http://started", dict)

    monkeypatch.setattr(compared_servers, "started_foveate", start)
    monkeypatch.setattr(compared_servers, "started_server", start)
    return recorded


def enter(others: dict[str, AbstractContextManager[Server]]) -> None:
    for other in others.values():
        with other:
            pass


def test_with_several_workers_rivals_also_get_several_processes(starts: list[object]) -> None:
    others = list_others(["mosec", "inprocess"], OPTIONS, 2, None)
    assert list(others) == [ONE_WORKER, "mosec", "mosec, 2 workers", "inprocess"]
    enter(others)
    assert starts == [
        {"workers": 1},
        ("mosec", OPTIONS),
        ("mosec", OPTIONS, 2),
        ("inprocess", OPTIONS),
    ]


def test_with_one_worker_each_rival_runs_once(starts: list[object]) -> None:
    assert list(list_others(["mosec"], OPTIONS, 1, None)) == ["mosec"]
    assert starts == []


def test_another_version_runs_from_its_own_folder(starts: list[object]) -> None:
    others = list_others([], OPTIONS, None, Path("elsewhere"))
    assert list(others) == [BEFORE]
    enter(others)
    assert starts == [{"folder": Path("elsewhere")}]


def test_a_rival_without_its_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(compared_servers.RIVALS, "mosec", "no_such_package")  # type: ignore[arg-type]
    assert find_installed(["mosec", "inprocess"]) == (["inprocess"], ["mosec"])


def test_a_service_given_by_its_url_is_not_started() -> None:
    with started_foveate(url="http://running") as server:
        assert server.url == "http://running"
        assert server.cpu_s() == {}


def test_the_jpeg_is_fetched_again_until_the_model_is_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with fake_service(lambda number: (200 if number == 1 else 503, 0.0)) as (url, service):
        assert fetch_jpeg(url, OPTIONS, b"photo") == JPEG
        assert service.requests == 2
        monkeypatch.setattr(compared_servers, "START_TIMEOUT_S", 0.0)
        with pytest.raises(ServiceError, match="the server responded 503"):
            fetch_jpeg(url, OPTIONS, b"photo")
