"""A clock that tests set, in place of real waits."""

import pytest

from app.liveness import heartbeats, recovery, sweeper


class Clock:
    """Takes the place of the module ``time``."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Set the time forward."""
        self.now_s += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock of the modules under test."""
    clock = Clock()
    for module in (heartbeats, recovery, sweeper):
        monkeypatch.setattr(module, "time", clock)
    return clock
