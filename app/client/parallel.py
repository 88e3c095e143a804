"""Compresses the photos of a run in several threads."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from app.client.compressor import Outcome
from app.client.sources import Source

# For uploads in progress when a run is interrupted.
JOIN_TIMEOUT_S: Final = 5.0


def compress_in_threads(
    compress: Callable[[Source], Outcome],
    sources: Sequence[Source],
    thread_count: int,
    *,
    stop: Callable[[], None],
) -> Iterator[Outcome]:
    """Yield the outcomes in the order in which they are ready; raises what ``compress`` raises.

    When the iteration ends or fails, ``stop`` is called, and the threads get
    JOIN_TIMEOUT_S seconds to end. They are daemons: none keeps the process alive.
    """
    waiting = iter(sources)
    finished: queue.SimpleQueue[Outcome | BaseException | None] = queue.SimpleQueue()
    lock = threading.Lock()

    def run_worker() -> None:
        try:
            while True:
                with lock:
                    source = next(waiting, None)
                if source is None:
                    break
                finished.put(compress(source))
        except BaseException as error:  # noqa: BLE001 (raised again in the calling thread)
            finished.put(error)
        finished.put(None)

    threads = [
        threading.Thread(target=run_worker, daemon=True)
        for _ in range(min(thread_count, len(sources)))
    ]
    for thread in threads:
        thread.start()
    try:
        running = len(threads)
        while running:
            outcome = finished.get()
            if isinstance(outcome, BaseException):
                raise outcome
            if outcome is None:
                running -= 1
            else:
                yield outcome
    finally:
        with lock:
            waiting = iter(())
        stop()
        for thread in threads:
            thread.join(JOIN_TIMEOUT_S / len(threads))
