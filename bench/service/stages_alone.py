"""The stages without a server, as a child of the benchmark that waits for its turns."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.environment import ROOT
from bench.load.service_process import ServiceError, Steal
from bench.service.servers.compressor import OPTIONS_VARIABLE


@contextmanager
def started_alone(photos: list[bytes], options: str) -> Iterator[Callable[[float], dict[str, Any]]]:
    """Run the stages' process; yield what measures them for so many seconds each."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, f"{number}.jpg") for number in range(len(photos))]
        for path, photo in zip(paths, photos, strict=True):
            path.write_bytes(photo)
        with subprocess.Popen(
            [sys.executable, "-m", "bench.service.servers.alone", *map(str, paths)],
            cwd=ROOT,
            env={**os.environ, OPTIONS_VARIABLE: options},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            asked, output = process.stdin, process.stdout

            def measure(seconds: float) -> dict[str, Any]:
                steal = Steal()
                print(seconds, file=asked, flush=True)
                line = output.readline()
                if not line:
                    raise ServiceError("the stages alone could not be measured")
                return {**json.loads(line), "steal": steal.share()}

            try:
                yield measure
            finally:
                asked.close()
