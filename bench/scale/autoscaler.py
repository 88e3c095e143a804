"""KEDA and the horizontal pod autoscaler over a simulated service, with docker/kubernetes' settings.

KEDA: polls the triggers, starts the first worker, and stops the last one after the cooldown
(keda.sh/docs, "ScaledObject specification"). The autoscaler between: desired = ⌈current × metric /
target⌉ within policies and stabilization (kubernetes.io/docs, "Horizontal Pod Autoscaling").
"""

import math
from collections import deque
from dataclasses import dataclass
from typing import Final

from bench.scale.simulation import Service, Steps

# Defaults of the controller manager: how often the autoscaler acts, and which ratios it ignores.
SYNC_S: Final = 15.0
TOLERANCE: Final = 0.1
# The metrics server's window of CPU use.
CPU_WINDOW_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Scaling:
    """The settings of docker/kubernetes: base/scaling.yaml, and the overlay cpu's target of CPU use."""

    polling_s: float = 5.0
    cooldown_s: float = 300.0
    max_workers: int = 16
    up_percent: float = 100.0
    up_workers: int = 4
    up_period_s: float = 15.0
    down_percent: float = 25.0
    down_period_s: float = 60.0
    stabilization_s: float = 180.0
    wait_target_s: float = 2.0
    queue_target: int = 64
    cpu_target: float | None = 0.8


class Autoscaler:
    """Starts and stops workers of a service; `run` is its process."""

    def __init__(self, service: Service, scaling: Scaling, start_s: float) -> None:
        self._service = service
        self._env = service.env
        self._scaling = scaling
        self._start_s = start_s
        self._active_s = -math.inf
        self.count = 0
        """Workers that are wanted, ready or not."""
        self.most = 0
        # Of the autoscaler alone, for its policies.
        self._changes: deque[tuple[float, int]] = deque()
        self._wanted: deque[tuple[float, int]] = deque()
        self._busy: deque[tuple[float, float]] = deque()

    def run(self, end_s: float) -> Steps:
        """Poll and act until ``end_s``."""
        next_sync_s = SYNC_S
        while self._env.now < end_s:
            self._poll()
            if self._env.now >= next_sync_s:
                next_sync_s += SYNC_S
                if self.count:
                    self._sync()
            yield self._env.timeout(self._scaling.polling_s)

    def _poll(self) -> None:
        """Start the first worker for work, and stop the last ones after the cooldown."""
        now_s = self._env.now
        if self._service.queue or self._service.wait_s > 0:
            self._active_s = now_s
            if not self.count:
                self._scale(1)
        elif self.count and now_s - self._active_s > self._scaling.cooldown_s:
            self._scale(0)
            self._wanted.clear()

    def _sync(self) -> None:
        now_s, before = self._env.now, self.count
        wanted = min(max(1, self._count_wanted()), self._scaling.max_workers)
        self._wanted.append((now_s, wanted))
        while self._wanted[0][0] < now_s - self._scaling.stabilization_s:
            self._wanted.popleft()
        if wanted > self.count:
            self._scale(min(wanted, self._most_up()))
        else:
            # The largest number that was wanted within the window.
            kept = min(self.count, max(number for _, number in self._wanted))
            self._scale(max(kept, self._least_down()))
        self._changes.append((now_s, self.count - before))

    def _count_wanted(self) -> int:
        """Return the largest number that a metric asks for."""
        scaling, service = self._scaling, self._service
        ready = max(1, len(service.workers))
        wanted = [self._follow(ready, service.wait_s / scaling.wait_target_s)]
        queued = len(service.queue)
        if abs(queued / (scaling.queue_target * self.count) - 1) <= TOLERANCE:
            wanted.append(self.count)
        else:
            wanted.append(math.ceil(queued / scaling.queue_target))
        if scaling.cpu_target is not None:
            wanted.append(self._follow(ready, self._measure_busy() / scaling.cpu_target))
        return max(wanted)

    def _follow(self, ready: int, ratio: float) -> int:
        return self.count if abs(ratio - 1) <= TOLERANCE else math.ceil(ready * ratio)

    def _measure_busy(self) -> float:
        """Return the share of the workers' time that was busy in the last window."""
        service, now_s = self._service, self._env.now
        busy_s = service.busy_s
        self._busy.append((now_s, busy_s))
        while len(self._busy) > 1 and self._busy[0][0] < now_s - CPU_WINDOW_S:
            self._busy.popleft()
        (then_s, before_s), count = self._busy[0], len(service.workers)
        if now_s <= then_s or not count:
            return 0.0
        return min(1.0, (busy_s - before_s) / (count * (now_s - then_s)))

    def _changed(self, period_s: float, sign: int) -> int:
        """Return by how many workers the number rose (``sign`` 1) or fell (−1) in a period."""
        since_s = self._env.now - period_s
        return sum(
            abs(change) for at_s, change in self._changes if at_s > since_s and change * sign > 0
        )

    def _most_up(self) -> int:
        scaling = self._scaling
        start = self.count - self._changed(scaling.up_period_s, 1)
        by_percent = math.ceil(start * (1 + scaling.up_percent / 100))
        return max(by_percent, start + scaling.up_workers)

    def _least_down(self) -> int:
        scaling = self._scaling
        start = self.count + self._changed(scaling.down_period_s, -1)
        return int(start * (1 - scaling.down_percent / 100))

    def _scale(self, count: int) -> None:
        change = count - self.count
        for _ in range(change):
            self._env.process(self._service.run_worker(self._start_s))
        for _ in range(-change):
            self._service.stop_worker()
        self.count = count
        self.most = max(self.most, count)
