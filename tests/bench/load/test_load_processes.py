"""Load from several processes."""

import time

import pytest

from bench.load import load_processes
from bench.load.load_processes import LoadProcesses
from tests.bench.load.fake_service import fake_service


def test_clients_of_all_processes_send_until_the_load_stops(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(load_processes, "MOST_PROCESSES", 2)
    with fake_service() as (url, service):
        with LoadProcesses(url, "/compress", [b"photo"], clients=3) as load:
            time.sleep(0.2)
            loaded = load.stop()
        assert service.connections == 3
        assert len(loaded.samples) == service.requests >= 3
    assert {sample.status for sample in loaded.samples} == {200}
    assert 0 < loaded.busiest_cpu_s <= loaded.cpu_s
