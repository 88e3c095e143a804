"""The connection of a request, and what to do when its client disconnects before the response."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from starlette.requests import Request

from app.cancellation import CANCEL_INTERVAL_S
from app.service.admission import Connection

# nginx's status for a client that has closed the connection; only logs and metrics show it.
CLIENT_CLOSED_REQUEST: Final = 499

T = TypeVar("T")


async def cancel_on_disconnect(request: Request, work: Coroutine[Any, Any, T]) -> T | None:
    """Return the result of ``work``; cancel it and return None when the client disconnects."""
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    retry: asyncio.TimerHandle | None = None
    is_done = False

    def cancel(_: object = None) -> None:
        # Repeated, because a cancellation can be swallowed: see `app.cancellation`.
        nonlocal retry
        if not is_done:
            task.cancel()
            retry = loop.call_later(CANCEL_INTERVAL_S, cancel)

    watcher = asyncio.create_task(wait_for_disconnect(request), name="watch-client")
    watcher.add_done_callback(cancel)
    try:
        return await work
    except asyncio.CancelledError:
        if retry is None:  # the server is shutting down
            raise
        return None
    finally:
        is_done = True
        watcher.cancel()
        if retry is not None:
            retry.cancel()
            while task.uncancel():
                pass


async def wait_for_disconnect(request: Request) -> None:
    """Return when the client has disconnected; call only after the body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def find_connection(request: Request) -> Connection | None:
    """Return the connection of ``request``; None without ``LimitedProtocol``, as in tests."""
    connection: Connection | None = request.scope["state"].get("connection")
    return connection
