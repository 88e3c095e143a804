"""An invalid setting is reported by name, with what is allowed."""

import pytest
from pydantic import ValidationError

from app.settings import AppSettings, describe_setting_error


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL must be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("MAX_PENDING", "0", "MAX_PENDING must be at least 1"),
        ("MAX_PENDING", "many", "MAX_PENDING must be a whole number"),
        ("REQUEST_TIMEOUT_S", "0", "REQUEST_TIMEOUT_S must be greater than 0"),
        ("REQUEST_TIMEOUT_S", "long", "REQUEST_TIMEOUT_S must be a number"),
        ("FETCH_PORTS", "80,70000", "FETCH_PORTS must be at most 65535"),
        (
            "CORS_ORIGINS",
            "ftp://x",
            "CORS_ORIGINS must contain only origins in lower case, such as",
        ),
        ("FETCH_HOSTS", "a/b", "FETCH_HOSTS must contain only hosts in lower case, such as"),
        ("API_KEYS", "short", "API_KEYS is invalid: each key needs at least 16 ASCII characters"),
    ],
)
def test_an_invalid_setting_is_named_with_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError) as caught:
        AppSettings()
    text = describe_setting_error(caught.value)
    assert text.startswith(expected)
    assert "[a-z" not in text
    assert "\n" not in text
