"""The parts of a benchmark, each in a process of its own that is ended after a time."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from typing import Any, Final

# Time for a process to end by itself, and for a service to drain, before SIGKILL.
END_TIMEOUT_S: Final = 15.0


@dataclass(frozen=True, slots=True)
class Part:
    """A function, its arguments, and the time after which its process is ended."""

    name: str
    budget_s: float
    measure: Callable[..., Any]
    arguments: Mapping[str, Any]


def run_part(part: Part, ends_s: float) -> dict[str, Any]:
    """Return a part's ``figures`` or its ``error``, and ``elapsed_s``.

    It runs in a process group of its own: a call into CUDA that hangs can't be interrupted, and the
    next part finds the device's memory free.

    Args:
        part: the part.
        ends_s: time on the monotonic clock at which it is ended, even within its budget.
    """
    started_s = time.monotonic()
    budget_s = min(part.budget_s, ends_s - started_s)
    if budget_s <= 0:
        return {"error": "no time left", "elapsed_s": 0.0}
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=measure_part, args=(sender, part))
    process.start()
    sender.close()
    try:
        if receiver.poll(budget_s):
            outcome = receiver.recv()
            process.join(END_TIMEOUT_S)
        else:
            outcome = {"error": f"it took longer than {budget_s:.0f} s"}
    except EOFError:
        process.join(END_TIMEOUT_S)
        outcome = {"error": f"its process ended with {process.exitcode}"}
    finally:
        end_group(process)
    return {**outcome, "elapsed_s": time.monotonic() - started_s}


def measure_part(sender: Pipe, part: Part) -> None:
    """Send a part's figures or its error; the entry point of its process."""
    os.setpgid(0, 0)
    try:
        outcome = {"figures": part.measure(**part.arguments)}
    except Exception as error:  # noqa: BLE001 -- the other parts still run
        outcome = {"error": f"{type(error).__name__}: {error}"[:2000]}
    sender.send(outcome)


def end_group(process: multiprocessing.process.BaseProcess) -> None:
    """End the processes of a part's group that still run."""
    group = process.pid
    assert group is not None
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGTERM)
        ends_s = time.monotonic() + END_TIMEOUT_S
        while time.monotonic() < ends_s:
            process.join(0.1)  # a process that nobody waited for still counts
            os.killpg(group, 0)
            time.sleep(0.1)
        os.killpg(group, signal.SIGKILL)
    process.join()
