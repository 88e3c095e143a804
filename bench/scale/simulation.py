"""The service as a discrete-event simulation: front ends, Valkey, one queue, workers of one thread each.

It follows the worker's rules: a worker that has nothing waits in RQ's blocking call; one that works looks
for further photos while less than two are open, and takes at most its share of the queue
(``worker.pipeline.Pipeline.capacity``, ``worker/queue/take.lua``, ``worker.queue.claim_timer``).
"""

import math
from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import simpy

# As in worker/queue/claim_timer.py and worker/pipeline.py, on a CPU with one thread.
MIN_PAUSE_S: Final = 0.005
EMPTY_PAUSE_S: Final = 0.02
MAX_BATCH: Final = 8
MIN_OPEN: Final = 2
# As in app/service/capacity.py.
WAIT_SHARE: Final = 0.4

Steps = Generator[simpy.Event, Any, None]


@dataclass(frozen=True, slots=True)
class Costs:
    """Times in seconds that a photo takes beside its stages in the worker."""

    front_end_s: float
    """CPU time of a front end."""
    valkey_s: float
    """CPU time of Valkey."""
    poll_s: float
    """CPU time of Valkey for one look of a worker into the queue."""
    around_s: float
    """From the client and back, without the queue, at light load."""
    handoff_s: float
    """From the queue to the start of a photo in a worker that had none."""
    gap_s: float
    """Between two photos of a worker that always has one."""


@dataclass(slots=True)
class Photo:
    """One request; ``ended_s`` is None if it was refused or got no result in time."""

    arrived_s: float
    service_s: float
    ended_s: float | None = None
    done: simpy.Event | None = None
    """In the simulation: a worker has finished it, or has found it too late."""

    @property
    def wait_s(self) -> float:
        """All of its time but that of its stages."""
        assert self.ended_s is not None
        return self.ended_s - self.arrived_s - self.service_s


class Server:
    """One core that does one thing after the other."""

    def __init__(self, env: simpy.Environment) -> None:
        self._env = env
        self._free_s = 0.0

    def use(self, cost_s: float) -> float:
        """Queue work of ``cost_s``; return the delay until it is done."""
        self._free_s = max(self._env.now, self._free_s) + cost_s
        return self._free_s - self._env.now


@dataclass(eq=False)
class Worker:
    """A worker's state, from the start of its process."""

    started_s: float
    is_stopping: bool = False
    waiting: simpy.Event | None = None


@dataclass
class Service:
    """Front ends, Valkey and workers; `submit` is a process for one photo."""

    env: simpy.Environment
    costs: Costs
    front_ends: int
    deadline_s: float = math.inf
    mean_service_s: float = 0.0
    """Of the photos that `wait_s` estimates; with a deadline, photos that would wait too long are refused."""
    queue: deque[Photo] = field(default_factory=deque)
    workers: list[Worker] = field(default_factory=list)
    """Those that are ready and not told to stop."""
    starting: list[Worker] = field(default_factory=list)
    in_flight: int = 0
    last_count: int = 0
    busy_s: float = 0.0
    """Time of all stages that have begun."""
    ended_bought_s: float = 0.0
    """Time of the workers that have ended, from the start of their processes."""

    def __post_init__(self) -> None:
        self.valkey = Server(self.env)
        self._apps = [Server(self.env) for _ in range(self.front_ends)]
        self._next_app = 0
        self._blocked: deque[Worker] = deque()

    @property
    def wait_s(self) -> float:
        """The time that the work ahead takes, as ``foveate_wait_seconds`` says it."""
        if self.workers:
            self.last_count = len(self.workers)
        # Before the first worker the rate is unknown and nothing is refused.
        return self.in_flight * self.mean_service_s / self.last_count if self.last_count else 0.0

    def submit(self, photo: Photo) -> Steps:
        """Take a photo from its client to its response."""
        if self.wait_s > WAIT_SHARE * self.deadline_s:
            return
        self.in_flight += 1
        app = self._apps[self._next_app]
        self._next_app = (self._next_app + 1) % len(self._apps)
        costs = self.costs
        network_s = max(0.0, costs.around_s - costs.front_end_s - costs.valkey_s) / 2
        yield self.env.timeout(network_s + app.use(costs.front_end_s / 2))
        yield self.env.timeout(self.valkey.use(costs.valkey_s / 2))
        photo.done = self.env.event()
        self._put(photo)
        is_finished = yield photo.done
        self.in_flight -= 1
        if is_finished:
            yield self.env.timeout(self.valkey.use(costs.valkey_s / 2))
            yield self.env.timeout(network_s + app.use(costs.front_end_s / 2))
            photo.ended_s = self.env.now

    def _put(self, photo: Photo) -> None:
        if self._blocked:
            waiting = self._blocked.popleft().waiting
            assert waiting is not None
            waiting.succeed(photo)
        else:
            self.queue.append(photo)

    def run_worker(self, start_s: float) -> Steps:
        """Start a worker that is ready after ``start_s``; it works until `stop_worker`."""
        worker = Worker(self.env.now)
        self.starting.append(worker)
        yield self.env.timeout(start_s)
        if not worker.is_stopping:
            self.starting.remove(worker)
            self.workers.append(worker)
        while not worker.is_stopping:
            photo = yield from self._take_first(worker)
            if photo is not None:
                yield self.env.timeout(self.costs.handoff_s)
                yield from self._work(worker, photo)
        self.ended_bought_s += self.env.now - worker.started_s

    def stop_worker(self) -> None:
        """Tell the youngest worker to finish its open photos and end."""
        worker = (self.starting or self.workers).pop()
        worker.is_stopping = True
        if worker in self._blocked:
            self._blocked.remove(worker)
            assert worker.waiting is not None
            worker.waiting.succeed(None)

    def count_bought_s(self) -> float:
        """Return the time of all workers so far, from the starts of their processes."""
        living = (*self.starting, *self.workers)
        return self.ended_bought_s + sum(self.env.now - worker.started_s for worker in living)

    def _take_first(self, worker: Worker) -> Generator[simpy.Event, Any, Photo | None]:
        if self.queue:
            return self.queue.popleft()
        # Redis serves the client that has waited longest.
        worker.waiting = self.env.event()
        self._blocked.append(worker)
        photo: Photo | None = yield worker.waiting
        return photo

    def _work(self, worker: Worker, first: Photo) -> Steps:
        """Run photos one after the other until none is open."""
        opened = deque([first])
        look_s, pause_s = self.env.now, MIN_PAUSE_S
        end_s: float | None = None
        while opened:
            if end_s is None:
                end_s = self._begin(opened)
                continue
            now_s = self.env.now
            if now_s >= end_s:
                self._finish(opened.popleft(), is_finished=True)
                end_s = None
                if opened:
                    yield self.env.timeout(self.costs.gap_s)
                continue
            may_claim = len(opened) < MIN_OPEN and not worker.is_stopping
            if may_claim and now_s >= look_s:
                # Its thread that speaks to Redis waits for the answer; the photos go on.
                answer_s = self.valkey.use(self.costs.poll_s)
                taken = self._claim(MAX_BATCH - len(opened))
                opened.extend(taken)
                pause_s = MIN_PAUSE_S if taken else min(2 * pause_s, EMPTY_PAUSE_S)
                look_s = now_s + answer_s + pause_s
                continue
            yield self.env.timeout((min(end_s, look_s) if may_claim else end_s) - now_s)

    def _begin(self, opened: deque[Photo]) -> float | None:
        """Start the first photo and return when it ends; drop it and return None if it is too late."""
        photo = opened[0]
        if self.env.now - photo.arrived_s > self.deadline_s:
            self._finish(opened.popleft(), is_finished=False)
            return None
        self.busy_s += photo.service_s
        return float(self.env.now) + photo.service_s

    def _finish(self, photo: Photo, *, is_finished: bool) -> None:
        assert photo.done is not None
        photo.done.succeed(is_finished)

    def _claim(self, capacity: int) -> list[Photo]:
        share = math.ceil(len(self.queue) / max(1, len(self.workers)))
        return [self.queue.popleft() for _ in range(min(capacity, share))]


def send(service: Service, photos: Iterable[Photo]) -> Steps:
    """Submit photos at their times; they ascend."""
    env = service.env
    for photo in photos:
        yield env.timeout(max(0.0, photo.arrived_s - env.now))
        env.process(service.submit(photo))


def simulate(
    photos: Iterable[Photo], workers: int, costs: Costs, front_ends: int
) -> tuple[list[Photo], Service]:
    """Return the photos with their ends, and the service, after all of them have ended."""
    env = simpy.Environment()
    service = Service(env, costs, front_ends)
    for _ in range(workers):
        env.process(service.run_worker(0.0))
    sent = list(photos)
    env.process(send(service, sent))
    env.run()
    return sent, service
