"""Processes that compile the kernels of a copy of the codec, into a cache of their own."""

import os
import subprocess
import sys
from pathlib import Path

# One block of zeros has one symbol, the end of the block. `count_ac_symbols` is a kernel that calls an
# inlined function of another module for each block.
RUN_KERNEL = """
import numpy as np
from codec.jpeg.quantize.rdoq import count_ac_symbols
counts = np.zeros(256, np.int64)
count_ac_symbols(np.zeros((1, 1, 64), np.int16), 1, 1, counts)
print(counts[0], *count_ac_symbols.stats.cache_hits.values())
"""


def start(copy: Path, script: str, **variables: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(copy.parent / "kernels"), **variables}
    command = [sys.executable, "-c", script]
    return subprocess.Popen(
        command, cwd=copy, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )  # fmt: skip


def finish(process: "subprocess.Popen[str]") -> str:
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return out.strip()


def run(copy: Path, script: str = RUN_KERNEL, **variables: str) -> str:
    return finish(start(copy, script, **variables))
