"""The error for an invalid setting names it and says what is allowed."""

import pytest
from pydantic import ValidationError

from tests.docs.documents import read_defaults
from worker.settings import WorkerSettings, describe_errors


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("MAX_BATCH_SIZE", "0", "at least 1"),
        ("MAX_BATCH_SIZE", "many", "a whole number"),
        ("MAX_LINGER_MS", "1001", "at most 1000.0"),
        ("DEVICE", "tpu", "one of 'auto', 'cpu' or 'cuda'"),
    ],
)
def test_an_error_names_the_setting_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, allowed: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as caught:
        WorkerSettings()
    assert describe_errors(caught.value) == [f"{name} must be {allowed}"]


def test_an_invalid_redis_url_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:pass/word@host")
    with pytest.raises(ValidationError) as caught:
        WorkerSettings()
    (line,) = describe_errors(caught.value)
    assert line.startswith("REDIS_URL is invalid: it is not a Redis URL")
    assert "pass/word" not in line + str(caught.value) + repr(caught.value)


def test_an_invalid_header_of_the_collector_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization secret-token")
    with pytest.raises(ValidationError) as caught:
        WorkerSettings()
    (line,) = describe_errors(caught.value)
    assert line.startswith("OTEL_EXPORTER_OTLP_HEADERS is invalid: it must be NAME=VALUE")
    assert "secret-token" not in line + str(caught.value)


def test_headers_of_the_collector_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=secret-token")
    assert "secret-token" not in repr(WorkerSettings())


def test_the_defaults_are_those_of_the_documents() -> None:
    documented = read_defaults("Worker")
    assert len(documented) > 7
    settings = WorkerSettings()
    for name, default in documented.items():
        value = getattr(settings, name.lower())
        assert value == type(value)(default), name
