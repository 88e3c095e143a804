"""No server at all: what decode, predict and encode cost by themselves.

``python -m bench.servers.alone SECONDS FILE...`` prints milliseconds per image as JSON: one photo at
a time on one thread (``single``), and in batches on as many threads as there are cores (``batch``).
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bench.servers.compressor import MAX_BATCH_SIZE, Compressor


def main() -> None:
    """Measure, and print."""
    seconds = float(sys.argv[1])
    uploads = [Path(name).read_bytes() for name in sys.argv[2:]]
    single, batched = Compressor(threads=1), Compressor()
    batch = [uploads[number % len(uploads)] for number in range(MAX_BATCH_SIZE)]
    turn = iter(range(10**9))

    def one() -> int:
        return len(single.compress([uploads[next(turn) % len(uploads)]]))

    print(
        json.dumps(
            {
                "single": per_image(one, seconds),
                "batch": per_image(lambda: len(batched.compress(batch)), seconds),
            }
        )
    )


def per_image(work: Callable[[], int], seconds: float) -> dict[str, float]:
    """Return CPU time and time per image in ms of ``work``, which returns how many it did."""
    work()
    started_s, cpu_before_s, images = time.perf_counter(), time.process_time(), 0
    while (elapsed_s := time.perf_counter() - started_s) < seconds:
        images += work()
    return {
        "cpu_ms": 1e3 * (time.process_time() - cpu_before_s) / images,
        "elapsed_ms": 1e3 * elapsed_s / images,
    }


if __name__ == "__main__":
    main()
