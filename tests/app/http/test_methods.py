"""OPTIONS and 405 name all methods of a path."""

import pytest
from fastapi import APIRouter, FastAPI

from app.http.methods import create_fallback_routes
from tests.app.http.in_process import send


@pytest.fixture(scope="module")
def app() -> FastAPI:
    router = APIRouter(prefix="/things/{name}")

    async def respond(name: str) -> str:
        return name

    for method in ("GET", "DELETE"):
        router.add_api_route("", respond, methods=[method])
    app = FastAPI()
    app.include_router(router)
    app.router.routes += create_fallback_routes([router])
    return app


def test_options_names_the_methods(app: FastAPI) -> None:
    response = send(app, "OPTIONS", "/things/x")
    assert (response.status_code, response.headers["allow"]) == (204, "DELETE, GET, OPTIONS")


def test_another_method_is_405_and_names_the_methods(app: FastAPI) -> None:
    response = send(app, "PUT", "/things/x")
    assert (response.status_code, response.headers["allow"]) == (405, "DELETE, GET, OPTIONS")


def test_the_routes_themselves_still_respond(app: FastAPI) -> None:
    for method in ("GET", "DELETE"):
        assert send(app, method, "/things/x").json() == "x"
