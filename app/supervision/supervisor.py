"""The command ``foveate run``: Redis, front ends and workers as children of one process.

A child that dies is started again, and a dead worker's jobs return to the queue. SIGTERM and Ctrl-C
drain the service: the front ends finish their requests, then the workers end, then Redis.
"""

import os
import signal
import sys
import tempfile
import time
import traceback
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import FrameType

from app.liveness.heartbeats import Heartbeats
from app.liveness.recovery import recover
from app.redis import connect_sync
from app.settings import AppSettings
from app.supervision import embedded_redis as embedded
from app.supervision.child import MAX_RESTART_DELAY_S, Child
from app.supervision.front_ends import FRONT_END_ROLE, FrontEnds
from app.supervision.listening import ListenError
from app.supervision.machine import choose_workers, share_cores
from app.supervision.readiness import StartError, wait_until_ready

POLL_S = 0.05
# The pause after a defect of the supervisor.
FAULT_PAUSE_S = 1.0
# Until the service is ready, this many early deaths of a child in a row mean that it can't start.
MAX_DEATHS_AT_START = 3
# Time between two checks of the workers' heartbeats.
HEARTBEAT_CHECK_INTERVAL_S = 2.0
# Short, because the supervisor watches no child while it waits for Redis.
REDIS_TIMEOUT_S = 5.0
# Added to the time in which a child drains, so that none is killed before it has ended.
STOP_MARGIN_S = 10.0
# Exit code of a child whose settings are invalid; the child has printed which.
INVALID_SETTING = 2


class Supervisor:
    """Starts, watches and stops the children."""

    def __init__(
        self, address: tuple[str, int], front_ends: int, workers: int | None, settings: AppSettings
    ) -> None:
        self._address = address
        self._front_end_count = front_ends
        self._workers = workers or choose_workers(os.environ)
        self._settings = settings
        self._front_ends: FrontEnds | None = None
        self._children: list[Child] = []
        self._was_ready = False
        self._stopping = False
        self._heartbeats = Heartbeats()
        self._check_heartbeats_at_s = 0.0

    def run(self) -> int:
        """Run the service until a signal stops it; return the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        with ExitStack() as stack:
            stack.callback(self._stop_all)
            try:
                front_ends = self._front_ends = FrontEnds(*self._address, self._front_end_count)
                redis_url = self._start_redis(stack)
                self._start_processes(front_ends, redis_url)
                wait_until_ready(front_ends, go_on=partial(self._watch_start, redis_url), say=say)
                if not self._stopping:
                    self._was_ready = True
                    self._announce(front_ends.url)
                    self._start_workers(self._workers - 1, redis_url)
                self._watch(redis_url)
            except (StartError, ListenError, embedded.EmbeddedError) as error:
                if not self._stopping:
                    say(str(error))
                    return 1
            if self._stopping:
                say("draining")
        if self._was_ready:
            say("ended")
        return 0

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _start_redis(self, stack: ExitStack) -> str:
        """Return the URL of a Redis that responds: REDIS_URL if set, else that of a new child."""
        given = os.environ.get("REDIS_URL")
        if given:
            embedded.wait_until_up(given, give_up=lambda: self._stopping)
            return given
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="foveate-")))
        # Callbacks run in reverse order: Redis must end before its folder is removed.
        stack.callback(self._stop_all)
        child = Child("redis", embedded.command(embedded.find_server(), folder), dict(os.environ))
        self._start(child)
        redis_url = embedded.url(folder)
        embedded.wait_until_up(redis_url, give_up=lambda: self._stopping or child.has_exited())
        return redis_url

    def _start_processes(self, front_ends: FrontEnds, redis_url: str) -> None:
        for child in front_ends.children({**os.environ, "REDIS_URL": redis_url}):
            self._start(child)
        # The other workers start when the service is ready, so that they find compiled kernels.
        self._start_workers(1, redis_url)

    def _start_workers(self, count: int, redis_url: str) -> None:
        environment = {**os.environ, "REDIS_URL": redis_url}
        if not environment.get("CODEC_THREADS"):
            environment["CODEC_THREADS"] = str(share_cores(self._workers))
        for _ in range(count):
            self._start(Child("worker", [sys.executable, "-m", "worker"], environment))

    def _start(self, child: Child) -> None:
        self._children.append(child)
        child.start()

    def _watch_start(self, redis_url: str) -> bool:
        """Start children again that have died; return whether the service still shall start."""
        if not self._stopping:
            self._restart_dead(redis_url)
        return not self._stopping

    def _announce(self, address: str) -> None:
        print(
            f"foveate: ready at {address} (API: {address}/docs)\n"
            f"foveate: try  curl --fail-with-body --data-binary @photo.jpg "
            f"'{address}/compress?quality=75' -o smaller.jpg",
            flush=True,
        )

    def _watch(self, redis_url: str) -> None:
        while not self._stopping:
            try:
                self._restart_dead(redis_url)
                self._kill_silent(redis_url)
            except StartError:
                raise
            except Exception:  # noqa: BLE001 - the service must outlive a defect of its supervisor
                say(f"the supervisor failed and goes on:\n{traceback.format_exc()}")
                time.sleep(FAULT_PAUSE_S)
            time.sleep(POLL_S)

    def _kill_silent(self, redis_url: str) -> None:
        """Kill workers without heartbeats: stopped, or hung in a call that ignores signals."""
        if time.monotonic() < self._check_heartbeats_at_s:
            return
        self._check_heartbeats_at_s = time.monotonic() + HEARTBEAT_CHECK_INTERVAL_S
        workers = {child.worker_name: child for child in self._children if child.worker_name}
        with connect_sync(redis_url, timeout_s=REDIS_TIMEOUT_S) as connection:
            silent = self._heartbeats.find_silent(connection, workers)
        for name in silent:
            if not (child := workers[name]).has_exited():
                say(f"{name} sends no heartbeats; killing it")
                child.kill()

    def _restart_dead(self, redis_url: str) -> None:
        """Handle children that have died, and start those again whose delay is over."""
        for child in self._children:
            if not child.has_exited() or self._stopping:
                continue
            if child.restart_at_s is None:
                self._on_death(child, redis_url)
            elif time.monotonic() >= child.restart_at_s:
                self._restart(child)

    def _restart(self, child: Child) -> None:
        try:
            child.start()
        except OSError as error:  # out of processes or memory
            child.restart_at_s = time.monotonic() + MAX_RESTART_DELAY_S
            say(f"the {child.role} can't be started: {error}")

    def _on_death(self, child: Child, redis_url: str) -> None:
        assert child.process is not None
        code = child.process.returncode
        delay_s = child.on_exit()
        if not self._was_ready:
            if code == INVALID_SETTING:
                raise StartError(f"the {child.role} rejects its settings")
            if child.early_deaths >= MAX_DEATHS_AT_START:
                raise StartError(f"the {child.role} ends right after its start (exit code {code})")
        if child.role == FRONT_END_ROLE and self._front_ends:
            self._front_ends.on_exit(child)
        say(f"the {child.role} ended (exit code {code}); starting it again in {delay_s:.0f} s")
        dead_worker = child.worker_name
        if delay_s == 0:
            self._restart(child)  # first, so that it starts while the jobs are requeued
        if dead_worker:
            self._recover(redis_url, dead_worker)

    def _recover(self, redis_url: str, worker_name: str) -> None:
        """Requeue a dead worker's jobs."""
        try:
            with connect_sync(redis_url, timeout_s=REDIS_TIMEOUT_S) as connection:
                count = recover(connection, worker_name, failure_ttl_s=self._settings.result_ttl_s)
        except Exception as error:  # noqa: BLE001 - front ends requeue them later
            say(f"the jobs of {worker_name} could not be requeued: {error}")
        else:
            say(f"{count} jobs back in the queue")

    def _stop_all(self) -> None:
        """Stop front ends, workers and Redis, in this order."""
        if self._front_ends:
            self._front_ends.close_sockets()
        for role in (FRONT_END_ROLE, "worker", "redis"):
            self._stop_role(role)
        if self._front_ends:
            self._front_ends.clean_up()

    def _stop_role(self, role: str) -> None:
        chosen = [child for child in self._children if child.role == role]
        for child in chosen:
            child.terminate()
        for child in chosen:
            child.wait(self._settings.drain_s + STOP_MARGIN_S)


def say(line: str) -> None:
    """Print a line for the person who runs the service."""
    print(f"foveate: {line}", file=sys.stderr, flush=True)
