"""Each request has one id: its client's if that is well-formed, else a new one."""

import asyncio

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from app.telemetry.request_id import RequestIdMiddleware, request_id


async def show_id(scope: Scope, receive: Receive, send: Send) -> None:
    """Respond with the id of the current request."""
    await PlainTextResponse(request_id.get())(scope, receive, send)


def get(headers: list[tuple[str, bytes]]) -> httpx.Response:
    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(RequestIdMiddleware(show_id))
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            response = await client.get("/", headers=headers)
            assert not request_id.get()
            return response

    return asyncio.run(send())


@pytest.mark.parametrize("given", ["my-own-id-1234", "a" * 8, "A.b_c-9" * 9])
def test_a_well_formed_id_of_the_client_is_kept(given: str) -> None:
    response = get([("X-Request-ID", given.encode())])
    assert response.headers["x-request-id"] == response.text == given


@pytest.mark.parametrize(
    "given",
    [
        *([], [""], ["short"], ["a" * 65], ["with space"], ['quo"te-1234'], ["ümlaut-1234"]),
        ["first-id-1234", "second-id-1234"],
    ],
)
def test_another_id_or_none_is_replaced(given: list[str]) -> None:
    response = get([("X-Request-ID", one.encode("latin-1")) for one in given])
    (chosen,) = response.headers.get_list("x-request-id")
    assert len(chosen) == 16
    assert response.text == chosen
    assert chosen not in given
