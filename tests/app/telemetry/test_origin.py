"""A job tells the id of its request, and its span only if there is one."""

import pytest

from app.telemetry.origin import describe_origin
from app.telemetry.request_id import request_id
from contract.collector import ENDPOINT_VARIABLES


def test_a_job_tells_the_id_of_its_request(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENDPOINT_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    assert describe_origin() == {}
    token = request_id.set("abcdefgh")
    try:
        assert describe_origin() == {"request_id": "abcdefgh"}
    finally:
        request_id.reset(token)


def test_without_a_span_there_is_no_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT_VARIABLES[0], "http://127.0.0.1:9")
    assert describe_origin() == {}
