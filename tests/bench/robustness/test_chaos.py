"""Random kills: their order and their targets. tests/integration/test_chaos.py runs them."""

import random
import signal
from typing import Any

import psutil

from bench.robustness.chaos import ACTS, kill_at_random


class FakeProcesses:
    """Processes that record their signals; "redis" has ended, "app" is gone from the list."""

    def __init__(self) -> None:
        self.received: list[tuple[str, signal.Signals]] = []

    def by_role(self) -> dict[str, list[Any]]:
        return {
            "worker": [FakeProcess(self, "worker")],
            "app": [],
            "redis": [FakeProcess(self, "")],
        }


class FakeProcess:
    def __init__(self, processes: FakeProcesses, role: str) -> None:
        self.processes = processes
        self.role = role

    def send_signal(self, number: signal.Signals) -> None:
        if not self.role:
            raise psutil.NoSuchProcess(1)
        self.processes.received.append((self.role, number))


def test_each_act_happens_once_before_any_is_repeated() -> None:
    processes: Any = FakeProcesses()
    done = kill_at_random(processes, 0.2, 0.002, random.Random(1), ACTS)
    kills, stops = done["SIGKILL worker"], done["SIGSTOP worker"]
    assert kills > 2
    assert abs(kills - stops) <= 1
    assert len(processes.received) == kills + stops


def test_only_signals_that_were_sent_are_counted() -> None:
    processes: Any = FakeProcesses()
    done = kill_at_random(processes, 0.05, 0.002, random.Random(1), ACTS)
    assert set(done) == {"SIGKILL worker", "SIGSTOP worker"}
