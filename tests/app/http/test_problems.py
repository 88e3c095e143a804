"""Every error becomes a problem document and is counted."""

import asyncio
import json
import logging
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from starlette.requests import Request

from app.http import problems
from app.http.problems import ErrorMiddleware, to_response
from app.telemetry.metrics import Metrics
from contract.errors import (
    BodyTooLargeError,
    DeadlineError,
    FoveateError,
    QueueFullError,
    SlowBodyError,
    TooManyPixelsError,
    UnknownJobError,
)
from tests.app.http.in_process import read_problem, send


def get(error: Exception) -> tuple[httpx.Response, str]:
    """Return the response of a route that raises ``error``, and the metrics after it."""
    app = FastAPI()
    app.add_middleware(ErrorMiddleware)
    problems.install(app)
    metrics = Metrics()
    app.state.service = SimpleNamespace(metrics=metrics)

    @app.get("/counted")
    async def counted(request: Request) -> None:
        request.state.count_status = metrics.requests
        raise error

    return send(app, "GET", "/counted"), metrics.expose().decode()


def test_an_error_of_the_service_is_a_problem_with_its_own_type() -> None:
    response, metrics = get(UnknownJobError("No such job."))
    assert read_problem(response) == (404, "unknown-job")
    assert response.json()["detail"] == "No such job."
    assert 'foveate_errors_total{code="unknown-job"} 1.0' in metrics
    assert 'foveate_requests_total{status="404"} 1.0' in metrics


def test_an_unexpected_error_is_logged_and_reveals_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR, "app.http.problems")
    response, metrics = get(ZeroDivisionError("secret"))
    assert read_problem(response) == (500, "internal-error")
    assert "secret" not in response.text
    assert caplog.records[0].exc_info is not None
    assert 'foveate_errors_total{code="internal-error"} 1.0' in metrics


def test_an_error_of_starlette_is_a_problem_and_keeps_its_headers() -> None:
    response, _ = get(HTTPException(405, headers={"Allow": "GET"}))
    assert read_problem(response) == (405, "method-not-allowed")
    assert response.headers["allow"] == "GET"


def test_invalid_parameters_are_an_invalid_option() -> None:
    app = FastAPI()
    app.add_middleware(ErrorMiddleware)
    problems.install(app)

    @app.get("/{number}")
    async def show(number: int) -> int:
        return number

    assert read_problem(send(app, "GET", "/x")) == (422, "invalid-option")


def test_an_error_after_the_response_has_started_is_left_to_the_server() -> None:
    async def break_off(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise UnknownJobError("Too late.")

    sent: list[Any] = []

    async def record(message: Any) -> None:
        sent.append(message)

    async def call() -> None:
        scope = {"type": "http", "app": FastAPI()}
        with pytest.raises(UnknownJobError):
            await ErrorMiddleware(break_off)(scope, None, record)

    asyncio.run(call())
    assert [message["type"] for message in sent] == ["http.response.start"]


@pytest.mark.parametrize(
    ("error", "closes"),
    [
        (BodyTooLargeError("x"), True),
        (TooManyPixelsError("x"), True),
        (SlowBodyError("x"), True),
        (DeadlineError("x"), False),
        (UnknownJobError("x"), False),
    ],
)
def test_a_response_before_the_bodys_end_closes_the_connection(
    error: FoveateError, closes: bool
) -> None:
    response = to_response(error, {"X-Other": "1"})
    assert (response.headers.get("connection") == "close") is closes
    assert response.headers["x-other"] == "1"


def test_retry_after_is_a_header() -> None:
    assert to_response(QueueFullError("x", retry_after_s=7)).headers["retry-after"] == "7"
    assert "retry-after" not in to_response(UnknownJobError("x")).headers


def test_openapi_examples_are_the_documents_that_clients_get() -> None:
    error = UnknownJobError("No such job.")
    (example,) = problems.to_examples(error).values()
    assert example["value"] == json.loads(bytes(to_response(error).body))
