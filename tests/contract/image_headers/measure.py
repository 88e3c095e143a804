"""``python -m tests.contract.image_headers.measure``: reads hostile headers with little memory.

Prints JSON: how many headers of each format were read, and the longest CPU time.
"""

import json
import resource
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contract.errors import ClientError
from contract.image_headers.read import read_header
from contract.image_headers.steps import TooManyStepsError
from tests.contract.image_headers.hostile import long_headers, mutated_headers

MUTATED = 6_000
LONG_BYTES = 16 * 1024 * 1024
ALLOWED_BYTES = 8 * 1024 * 1024


@contextmanager
def limited_memory(extra_bytes: int) -> Iterator[None]:
    """Allow so many bytes of address space beyond those in use."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = pages * resource.getpagesize() + extra_bytes
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


def read(data: bytes) -> str:
    """Return the outcome: the format, or the error."""
    try:
        return read_header(data).format
    except (ClientError, TooManyStepsError) as error:
        return type(error).__name__


def main() -> None:
    """Read every header; any other error, such as MemoryError, ends the process."""
    outcomes: Counter[str] = Counter()
    longest_s, slowest = 0.0, ""
    for headers in (mutated_headers(MUTATED), long_headers(LONG_BYTES)):
        for name, data in headers:
            with limited_memory(ALLOWED_BYTES):
                started_s = time.process_time()
                outcomes[read(data)] += 1
                taken_s = time.process_time() - started_s
            if taken_s > longest_s:
                longest_s, slowest = taken_s, name
    print(json.dumps({"outcomes": outcomes, "longest_s": longest_s, "slowest": slowest}))


if __name__ == "__main__":
    main()
