"""An invalid setting is reported by name, with what is allowed; no secret is shown."""

import re
import traceback

import pytest
from pydantic import ValidationError

from app.settings import AppSettings, describe_setting_error
from tests.docs.documents import read_defaults


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
        ("REDIS_URL", "redis://:a/b@host", "REDIS_URL is invalid: it is not a Redis URL"),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "host:4318",
            "OTEL_EXPORTER_OTLP_ENDPOINT is invalid: it is",
        ),
        ("OTEL_EXPORTER_OTLP_HEADERS", "key", "OTEL_EXPORTER_OTLP_HEADERS is invalid: it must be"),
        ("PRESETS", "thumb:size=9", "PRESETS is invalid: preset 'thumb': 'size' is not an option"),
        ("PRESETS", " ", "PRESETS is invalid: preset 1 must be NAME"),
        ("ONLY_PRESETS", "on", "ONLY_PRESETS is invalid: it needs PRESETS"),
        ("ONLY_PRESETS", "true", "ONLY_PRESETS must be 'on' or 'off'"),
        ("KEY_MAX_PENDING", "2", "KEY_MAX_PENDING is invalid: it needs API_KEYS"),
        ("KEY_UPLOADS_PER_MINUTE", "-1", "KEY_UPLOADS_PER_MINUTE must be at least 0"),
        ("S3_BUCKETS", "Photos", "S3_BUCKETS must contain only names of buckets"),
        ("S3_BUCKETS", "photos", "S3_BUCKETS is invalid: it needs S3_ENDPOINT, AWS_ACCESS_KEY_ID"),
        ("S3_ENDPOINT", "s3.example", "S3_ENDPOINT is invalid: it must be http:// or https://"),
        (
            "S3_ENDPOINT",
            "http://x/photos",
            "S3_ENDPOINT is invalid: it must be http:// or https://",
        ),
        ("S3_REGION", "EU west", "S3_REGION must contain only lower-case letters, digits and -"),
        ("AWS_SECRET_ACCESS_KEY", "a b", "AWS_SECRET_ACCESS_KEY is invalid: it must be ASCII"),
        ("WEBHOOK_KEYS", "whsec_c2hvcnQ=", "WEBHOOK_KEYS is invalid: each key needs to be whsec_"),
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


CANARY = "canary0123456789"
URLS = (
    *(f"redis://user:{CANARY}@host:1/0", f"redis://host?password={CANARY}", f"http://u:{CANARY}@h"),
    *(f"redis://:{CANARY}/x@host", f"redis://:1/{CANARY}@host", f"redis://host?{CANARY}=1"),
    *(f"http://:{CANARY}/x@host", f"http://:1/{CANARY}@host", f"http://[{CANARY}", "http://h:0/"),
)
HEADERS = (f"authorization=Bearer {CANARY}", f"a=%0A{CANARY}", f"a=b,{CANARY}", f"{CANARY} a=b")
SECRET = re.compile("REDIS_URL|KEYS|HEADERS|ENDPOINT|AWS")


@pytest.mark.parametrize("name", [name.upper() for name in AppSettings.model_fields])
def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    for value in (CANARY, f"{CANARY} ", f"{CANARY}/\x01", *URLS, *HEADERS):
        monkeypatch.setenv(name, value)
        try:
            settings = AppSettings()
        except ValidationError as error:
            # A secret may stand in another setting by mistake.
            shown = describe_setting_error(error) + "".join(traceback.format_exception(error))
        else:
            shown = f"{settings!r} {settings}" if SECRET.search(name) else ""
        assert CANARY not in shown, value


@pytest.mark.parametrize("url", ["http://127.0.0.1:4318", "https://user:a%2Fb@host/v1/traces"])
def test_a_collector_is_an_http_server(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=x, Authorization=Basic%20YTpi")
    settings = AppSettings()
    assert settings.otel_exporter_otlp_traces_endpoint is not None
    assert settings.otel_exporter_otlp_traces_endpoint.get_secret_value() == url


def test_the_defaults_are_those_of_the_documents() -> None:
    documented = read_defaults("Front end")
    assert len(documented) > 20
    settings = AppSettings()
    for name, default in documented.items():
        value = getattr(settings, name.lower())
        shown = ",".join(map(str, value)) if isinstance(value, tuple) else value
        assert shown == type(shown)(default), name
