"""POST /compress has a plain route before FastAPI's: middlewares and other methods work as elsewhere."""

import asyncio
from types import SimpleNamespace

import httpx
import pytest

from app.http import compress
from app.main import create_app
from app.settings import AppSettings
from app.telemetry.metrics import Metrics
from tests.photos import file_of, photo


def test_the_middlewares_apply_to_photos(client: httpx.Client) -> None:
    response = client.post("/compress", content=file_of(photo(64, 48), "JPEG"))
    assert response.status_code == 200
    for name in ("x-request-id", "referrer-policy", "content-security-policy"):
        assert len(response.headers.get_list(name)) == 1
    assert response.headers.get_list("x-content-type-options") == ["nosniff"]


@pytest.mark.parametrize(("method", "status"), [("GET", 405), ("PUT", 405), ("OPTIONS", 204)])
def test_other_methods_get_the_list_of_methods(
    client: httpx.Client, method: str, status: int
) -> None:
    response = client.request(method, "/compress")
    assert response.status_code == status
    assert response.headers["allow"] == "OPTIONS, POST"


def test_an_unexpected_error_is_a_problem_with_all_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(compress, "respond", fail)
    app = create_app(AppSettings())
    app.state.service = SimpleNamespace(metrics=Metrics())

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.post("/compress", content=b"")

    response = asyncio.run(send())
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["x-request-id"]
    counted = app.state.service.metrics.expose().decode()
    assert 'foveate_errors_total{code="internal-error"} 1.0' in counted
    assert 'foveate_requests_total{status="500"} 1.0' in counted
