"""Waits until the service is ready, and tells how far its start is."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable

from app.supervision.front_ends import FrontEnds

# From the start, and again from each compiled kernel on.
READY_TIMEOUT_S = 180.0
# Time between two looks whether the service is ready: its processes need the cores.
READY_POLL_S = 0.2
# Time between two lines that say how far the start is.
PROGRESS_INTERVAL_S = 3.0
# The service's own address must not go through a proxy of the environment.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class StartError(Exception):
    """The service can't start; the message is one line for the person who started it."""


def wait_until_ready(
    front_ends: FrontEnds, *, go_on: Callable[[], bool], say: Callable[[str], None]
) -> None:
    """Return when the service is ready, or when ``go_on`` returns False; it is called between looks.

    Lines for the person who starts the service go to ``say``.

    Raises:
        StartError: when the start takes too long.
    """
    deadline_s = time.monotonic() + READY_TIMEOUT_S
    say_from_s = time.monotonic() + PROGRESS_INTERVAL_S
    last_progress = ""
    while go_on():
        # The response of any one front end tells that Redis and a worker are ready.
        if front_ends.all_up():
            is_ready, progress = read_readiness(f"{front_ends.url}/readyz")
            if is_ready:
                return
            if progress != last_progress:
                last_progress = progress
                deadline_s = time.monotonic() + READY_TIMEOUT_S
            if progress and time.monotonic() > say_from_s:
                say_from_s = time.monotonic() + PROGRESS_INTERVAL_S
                say(progress)
        if time.monotonic() > deadline_s:
            raise StartError(f"not ready within {READY_TIMEOUT_S:.0f} s")
        time.sleep(READY_POLL_S)


def read_readiness(url: str) -> tuple[bool, str]:
    """Return whether a GET of ``url`` has status 200 within two seconds; else also how far it is."""
    try:
        with OPENER.open(url, timeout=2):
            return True, ""
    except urllib.error.HTTPError as error:
        try:
            kernels = json.load(error)["kernels"]
            return False, f"compiling kernels: {kernels['compiled']} of {kernels['total']}"
        except (OSError, ValueError, LookupError, TypeError):  # the problem is another one
            return False, ""
    except (urllib.error.URLError, OSError):
        return False, ""
