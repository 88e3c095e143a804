"""The front end's settings, from the environment."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from contract.images import DEFAULT_MAX_PIXELS, DEFAULT_MAX_UPLOAD_BYTES

# Keys shorter than this can be guessed; `openssl rand -hex 32` makes one of 64.
MIN_KEY_CHARS = 16

HOST_PATTERN: Final = r"^(\*|(\*\.)?[a-z0-9_.:-]+)$"
ORIGIN_PATTERN: Final = r"^(\*|https?://[a-z0-9.:\[\]-]+)$"
# What the patterns allow, in words.
ALLOWED: Final = {
    HOST_PATTERN: "a host in lower case such as photos.example.com, *.example.com or *",
    ORIGIN_PATTERN: "an origin in lower case such as https://www.example.com, or *",
}


def split(value: object) -> object:
    """Return the words of a list with commas; a tuple, as a program gives it, stays."""
    if not isinstance(value, str):
        return value
    return tuple(word.strip() for word in value.split(",") if word.strip())


def check_key(key: SecretStr) -> SecretStr:
    """Return ``key`` when it is long enough and can stand in a header.

    Raises:
        ValueError: when it isn't, or can't.
    """
    text = key.get_secret_value()
    if len(text) < MIN_KEY_CHARS or not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError(f"a key needs at least {MIN_KEY_CHARS} ASCII characters, no spaces")
    return key


Key = Annotated[SecretStr, AfterValidator(check_key)]
Keys = Annotated[tuple[Key, ...], NoDecode, BeforeValidator(split)]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(split)]
Hosts = Annotated[
    tuple[Annotated[str, Field(pattern=HOST_PATTERN)], ...],
    NoDecode,
    BeforeValidator(split),
]
Port = Annotated[int, Field(ge=1, le=65_535)]
Ports = Annotated[tuple[Port, ...], NoDecode, BeforeValidator(split)]
Origins = Annotated[
    tuple[Annotated[str, Field(pattern=ORIGIN_PATTERN)], ...],
    NoDecode,
    BeforeValidator(split),
]


class AppSettings(BaseSettings):
    """Each field is read from the environment variable of its name in upper case.

    Lists have commas between their words.
    """

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True, hide_input_in_errors=True)

    redis_url: str = "redis://127.0.0.1:6379/0"
    max_upload_bytes: Annotated[int, Field(ge=1)] = DEFAULT_MAX_UPLOAD_BYTES
    max_pixels: Annotated[int, Field(ge=1)] = DEFAULT_MAX_PIXELS
    # Uploads that one front-end process holds or has queued; above, the response is 429.
    max_pending: Annotated[int, Field(ge=1)] = 512
    max_pending_bytes: Annotated[int, Field(ge=1)] = 512 * 1024 * 1024
    # A client waits this long for its JPEG; then 504, and the job is withdrawn.
    request_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    # A body that arrives slower than this is given up.
    upload_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    # After the first seconds a body must have arrived at this mean rate: who drips holds a place
    # that others need.
    upload_grace_s: Annotated[float, Field(gt=0, le=3600)] = 10.0
    min_upload_bytes_per_s: Annotated[int, Field(ge=1)] = 2000
    # Request line and headers must be complete, and a response taken, within these.
    head_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 10.0
    send_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    # A restarting worker is waited for this long before uploads get 503.
    worker_grace_s: Annotated[float, Field(ge=0)] = 20.0
    # How long finished pictures stay in Redis: for their links, and cached after their last use.
    result_ttl_s: Annotated[int, Field(ge=1, le=86_400)] = 300
    # A job of `Prefer: respond-async` may wait and run this long.
    job_deadline_s: Annotated[float, Field(gt=0, le=86_400)] = 600.0
    # Bytes of pictures in Redis for whoever uploads the same again; 0 keeps none.
    cache_max_bytes: Annotated[int, Field(ge=0)] = 128 * 1024 * 1024

    # Without keys everyone may upload.
    api_keys: Keys = ()
    # Web pages of these origins may read responses; `*` is every page.
    cors_origins: Origins = ()
    log_format: Literal["json", "text"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    # /fetch exists once it has both keys and hosts.
    fetch_keys: Keys = ()
    fetch_hosts: Hosts = ()
    fetch_ports: Ports = (80, 443)
    fetch_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 15.0
    fetch_read_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 5.0
    fetch_max_age_s: Annotated[int, Field(ge=0, le=31_536_000)] = 86_400
    # Tests fetch from one port of this machine.
    fetch_loopback_port: Port | None = None


def describe_setting_error(error: ValidationError) -> str:
    """Return each wrong setting by its environment variable, and what it may be; never its value."""
    return "; ".join(
        f"{str(problem['loc'][0]).upper()} {describe_allowed(problem)}"
        for problem in error.errors()
    )


def describe_allowed(problem: Mapping[str, Any]) -> str:
    """Return what a setting must be, as the end of a sentence."""
    context = problem.get("ctx", {})
    match problem["type"]:
        case "string_pattern_mismatch":
            return f"must contain only entries like this: {ALLOWED[context['pattern']]}"
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
