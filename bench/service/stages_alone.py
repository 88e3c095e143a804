"""The stages without a server, in a child process that measures on request."""

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
    """Run the child process; yield a function that measures each stage for so many seconds.

    The function raises `ServiceError` if the child process has ended.
    """
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
            requests, output = process.stdin, process.stdout

            def measure(seconds: float) -> dict[str, Any]:
                steal = Steal()
                print(seconds, file=requests, flush=True)
                line = output.readline()
                if not line:
                    raise ServiceError("the process that measures the stages alone has ended")
                return {**json.loads(line), "steal": steal.share()}

            try:
                yield measure
            finally:
                requests.close()
