"""Photos go past FastAPI's routing; what they get is what its route would give."""

import asyncio

import httpx
import pytest

from app.http import compress as routes
from app.main import create_app
from app.settings import AppSettings
from tests.photos import file_of, photo


def test_the_middlewares_hold_for_photos(client: httpx.Client) -> None:
    answered = client.post("/compress", content=file_of(photo(64, 48), "JPEG"))
    assert answered.status_code == 200
    for name in ("x-request-id", "referrer-policy", "content-security-policy"):
        assert len(answered.headers.get_list(name)) == 1
    assert answered.headers.get_list("x-content-type-options") == ["nosniff"]


@pytest.mark.parametrize(("method", "status"), [("GET", 405), ("PUT", 405), ("OPTIONS", 204)])
def test_other_methods_are_told_which_there_are(
    client: httpx.Client, method: str, status: int
) -> None:
    answered = client.request(method, "/compress")
    assert answered.status_code == status
    assert answered.headers["allow"] == "OPTIONS, POST"


def test_a_defect_is_answered_with_all_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(routes, "compress", fail)
    app = create_app(AppSettings())
    app.state.service = None

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post("/compress", content=b"")

    answered = asyncio.run(send())
    assert answered.status_code == 500
    assert answered.headers["content-type"] == "application/problem+json"
    assert answered.headers["x-request-id"]
