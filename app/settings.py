"""The front end's settings, from the environment."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from contract.collector import check_collector_headers, check_collector_url
from contract.images import DEFAULT_MAX_PIXELS, DEFAULT_MAX_UPLOAD_BYTES
from contract.redis_url import check_redis_url

# Shorter keys can be guessed; `openssl rand -hex 32` prints one of 64 characters.
MIN_KEY_CHARS: Final = 16
# Added to the time limits of a request, for what is done before and after them.
DRAIN_MARGIN_S: Final = 5

MAX_ROOT_PATH_CHARS: Final = 200
# No empty segment: a link that starts with // leads to another host. No dot segments.
ROOT_PATH_PATTERN: Final = re.compile(r"(/(?!\.{1,2}(/|\Z))[A-Za-z0-9._~-]+)*")
HOST_PATTERN: Final = r"^(\*|(\*\.)?[a-z0-9_.:-]+)$"
ORIGIN_PATTERN: Final = r"^(\*|https?://[a-z0-9.:\[\]-]+)$"
# What the patterns allow, for error messages.
ALLOWED_ENTRIES: Final = {
    HOST_PATTERN: "hosts in lower case, such as photos.example.com, *.example.com or *",
    ORIGIN_PATTERN: "origins in lower case, such as https://www.example.com, or *",
}


def split_setting(value: object) -> object:
    """Return the entries of a comma-separated list; anything but text is returned unchanged."""
    return split_list(value) if isinstance(value, str) else value


def split_list(text: str) -> tuple[str, ...]:
    """Return the entries of a comma-separated list."""
    return tuple(entry.strip() for entry in text.split(",") if entry.strip())


def check_key(key: SecretStr) -> SecretStr:
    """Return ``key`` unchanged.

    Raises:
        ValueError: when it is too short, or contains what an Authorization header can't.
    """
    text = key.get_secret_value()
    if len(text) < MIN_KEY_CHARS or not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError(f"each key needs at least {MIN_KEY_CHARS} ASCII characters, no spaces")
    return key


def parse_root_path(text: str) -> str:
    """Return a path prefix without a slash at its end; it is safe in links and in HTML.

    Raises:
        ValueError: when it is not a path of plain segments.
    """
    path = text.removesuffix("/")
    if len(path) > MAX_ROOT_PATH_CHARS or not ROOT_PATH_PATTERN.fullmatch(path):
        raise ValueError("it must be a path such as /img, of letters, digits, -, ., _ and ~")
    return path


def check_secret(check: Callable[[str], str]) -> Callable[[SecretStr], SecretStr]:
    """Return a validator of secrets that uses ``check``, whose errors have no part of the value."""

    def check_value(secret: SecretStr) -> SecretStr:
        check(secret.get_secret_value())
        return secret

    return check_value


RedisUrl = Annotated[str, AfterValidator(check_redis_url), Field(repr=False)]
Key = Annotated[SecretStr, AfterValidator(check_key)]
Keys = Annotated[tuple[Key, ...], NoDecode, BeforeValidator(split_setting)]
Host = Annotated[str, Field(pattern=HOST_PATTERN)]
Hosts = Annotated[tuple[Host, ...], NoDecode, BeforeValidator(split_setting)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Ports = Annotated[tuple[Port, ...], NoDecode, BeforeValidator(split_setting)]
CollectorUrl = Annotated[SecretStr, AfterValidator(check_secret(check_collector_url))]
CollectorHeaders = Annotated[SecretStr, AfterValidator(check_secret(check_collector_headers))]
Origin = Annotated[str, Field(pattern=ORIGIN_PATTERN)]
Origins = Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(split_setting)]


class AppSettings(BaseSettings):
    """Each field is read from the environment variable of its name in upper case.

    Lists are comma-separated. An empty variable counts as unset.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True, hide_input_in_errors=True)

    redis_url: RedisUrl = "redis://127.0.0.1:6379/0"
    max_upload_bytes: Annotated[int, Field(ge=1)] = DEFAULT_MAX_UPLOAD_BYTES
    max_pixels: Annotated[int, Field(ge=1)] = DEFAULT_MAX_PIXELS
    # Whether HEIC is accepted; workers have the same setting, and need the extra `heic`.
    heic: Literal["on", "off"] = "on"
    # Uploads in one front-end process, being received or waiting for a result; above, 429.
    max_pending: Annotated[int, Field(ge=1)] = 512
    max_pending_bytes: Annotated[int, Field(ge=1)] = 512 * 1024 * 1024
    # How long a client waits for its JPEG; then it gets 504, and the job is withdrawn.
    request_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    # A body must arrive within this time.
    upload_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    # After the grace period a body must have arrived at this mean rate: a slow upload occupies a
    # place that others need.
    upload_grace_s: Annotated[float, Field(gt=0, le=3600)] = 10.0
    min_upload_bytes_per_s: Annotated[int, Field(ge=1)] = 2000
    # Request line and headers must arrive within this time.
    head_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 10.0
    # A client must read a response within this time.
    send_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    # Uploads get 503 when no worker has been alive for this long; workers may be restarting.
    worker_grace_s: Annotated[float, Field(ge=0)] = 20.0
    # How long pictures stay in Redis: under a job's links, and in the cache after their last use.
    result_ttl_s: Annotated[int, Field(ge=1, le=86_400)] = 300
    # Time limit for a job with `Prefer: respond-async`, waiting included.
    job_deadline_s: Annotated[float, Field(gt=0, le=86_400)] = 600.0
    # Size of the result cache in Redis; 0 turns it off.
    cache_max_bytes: Annotated[int, Field(ge=0)] = 128 * 1024 * 1024

    # Without keys anyone may upload.
    api_keys: Keys = ()
    # Web pages of these origins may send requests and read responses; `*` is every page.
    cors_origins: Origins = ()
    # The path under which a proxy serves this service, if it removes it from the requests.
    root_path: Annotated[str, AfterValidator(parse_root_path)] = ""
    # Proxies whose X-Forwarded-* headers are believed: addresses, networks, or `*`.
    forwarded_allow_ips: str = "127.0.0.1"
    log_format: Literal["json", "text"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    # Traces; OpenTelemetry reads these variables itself.
    otel_exporter_otlp_endpoint: CollectorUrl | None = None
    otel_exporter_otlp_traces_endpoint: CollectorUrl | None = None
    otel_exporter_otlp_headers: CollectorHeaders | None = None
    otel_exporter_otlp_traces_headers: CollectorHeaders | None = None

    # /fetch is off unless it has both keys and hosts.
    fetch_keys: Keys = ()
    fetch_hosts: Hosts = ()
    fetch_ports: Ports = (80, 443)
    fetch_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 15.0
    fetch_read_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 5.0
    fetch_max_age_s: Annotated[int, Field(ge=0, le=31_536_000)] = 86_400
    # The only port of this machine that /fetch may connect to; for tests.
    fetch_loopback_port: Port | None = None

    @property
    def drain_s(self) -> int:
        """The longest time that the open requests of a front end take after SIGTERM."""
        return math.ceil(self.upload_timeout_s + self.request_timeout_s) + DRAIN_MARGIN_S


def describe_setting_error(error: ValidationError) -> str:
    """Return each invalid setting and what is allowed; never its value, which may be a secret."""
    return "; ".join(
        f"{str(problem['loc'][0]).upper()} {describe_allowed(problem)}"
        for problem in error.errors()
    )


def describe_allowed(problem: Mapping[str, Any]) -> str:
    """Return what is allowed for a setting, as a predicate to its name."""
    context = problem.get("ctx", {})
    match problem["type"]:
        case "string_pattern_mismatch":
            return f"must contain only {ALLOWED_ENTRIES[context['pattern']]}"
        case "literal_error":
            return f"must be {context['expected']}"
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal" as kind:
            (limit,) = context.values()
            bounds = {
                "greater_than": "greater than",
                "greater_than_equal": "at least",
                "less_than": "less than",
                "less_than_equal": "at most",
            }
            return f"must be {bounds[kind]} {limit}"
        case "int_parsing" | "int_from_float" | "int_type" | "int_parsing_size":
            return "must be a whole number"
        case "float_parsing" | "float_type" | "finite_number":
            return "must be a number"
        case _:
            return f"is invalid: {context.get('error', problem['msg'])}"
