"""The types of the front end's settings, and the checks of their values."""

import re
from collections.abc import Callable
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo
from pydantic_settings import NoDecode

from app.presets import parse_presets
from app.sources.s3_url import BUCKET_PATTERN, parse_endpoint
from app.webhooks.signature import parse_key
from contract.collector import check_collector_headers, check_collector_url
from contract.redis_url import check_redis_url

# Shorter keys can be guessed; `openssl rand -hex 32` prints one of 64 characters.
MIN_KEY_CHARS: Final = 16
MAX_ROOT_PATH_CHARS: Final = 200
# No empty segment: a link that starts with // leads to another host. No dot segments.
ROOT_PATH_PATTERN: Final = re.compile(r"(/(?!\.{1,2}(/|\Z))[A-Za-z0-9._~-]+)*")
HOST_PATTERN: Final = r"^(\*|(\*\.)?[a-z0-9_.:-]+)$"
ORIGIN_PATTERN: Final = r"^(\*|https?://[a-z0-9.:\[\]-]+)$"
REGION_PATTERN: Final = r"^[a-z0-9-]{1,64}$"
# What the patterns allow, for error messages.
ALLOWED_ENTRIES: Final = {
    HOST_PATTERN: "hosts in lower case, such as photos.example.com, *.example.com or *",
    ORIGIN_PATTERN: "origins in lower case, such as https://www.example.com, or *",
    BUCKET_PATTERN: "names of buckets",
    REGION_PATTERN: "lower-case letters, digits and -",
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


def check_webhook_key(key: SecretStr) -> SecretStr:
    """Return ``key`` unchanged.

    Raises:
        ValueError: when it is not a key of Standard Webhooks.
    """
    parse_key(key.get_secret_value())
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


def check_presets(text: str) -> str:
    """Return ``text`` unchanged.

    Raises:
        ValueError: when it is not a valid list of presets; it names the first invalid one.
    """
    parse_presets(text)
    return text


def check_only_presets(value: str, info: ValidationInfo) -> str:
    """Return ``value`` unchanged.

    Raises:
        ValueError: when presets are required, and there are none.
    """
    if value == "on" and not info.data.get("presets", "invalid"):
        raise ValueError("it needs PRESETS, and there are none")
    return value


def check_key_limit(limit: int, info: ValidationInfo) -> int:
    """Return ``limit`` unchanged.

    Raises:
        ValueError: when there is a limit, and no key that it could hold for.
    """
    if limit and not info.data.get("api_keys", "invalid"):
        raise ValueError("it needs API_KEYS, and there are none")
    return limit


def check_credential(value: SecretStr) -> SecretStr:
    """Return ``value`` unchanged.

    Raises:
        ValueError: when it contains what a header can't; the message has no part of it.
    """
    text = value.get_secret_value()
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("it must be ASCII characters, no spaces")
    return value


def check_endpoint(text: str) -> str:
    """Return ``text`` unchanged.

    Raises:
        ValueError: when it is not the URL of a store; the message has no part of it.
    """
    if text:
        parse_endpoint(text)
    return text


def check_buckets(buckets: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
    """Return ``buckets`` unchanged.

    Raises:
        ValueError: when something is missing that reading them needs.
    """
    needed = ("s3_endpoint", "aws_access_key_id", "aws_secret_access_key")
    missing = [name.upper() for name in needed if not info.data.get(name, "invalid")]
    if buckets and missing:
        raise ValueError(f"it needs {', '.join(missing)} as well")
    return buckets


RedisUrl = Annotated[str, AfterValidator(check_redis_url), Field(repr=False)]
Key = Annotated[SecretStr, AfterValidator(check_key)]
Keys = Annotated[tuple[Key, ...], NoDecode, BeforeValidator(split_setting)]
KeyLimit = Annotated[int, Field(ge=0, le=1_000_000), AfterValidator(check_key_limit)]
WebhookKey = Annotated[SecretStr, AfterValidator(check_webhook_key)]
WebhookKeys = Annotated[tuple[WebhookKey, ...], NoDecode, BeforeValidator(split_setting)]
Host = Annotated[str, Field(pattern=HOST_PATTERN)]
Hosts = Annotated[tuple[Host, ...], NoDecode, BeforeValidator(split_setting)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Ports = Annotated[tuple[Port, ...], NoDecode, BeforeValidator(split_setting)]
CollectorUrl = Annotated[SecretStr, AfterValidator(check_secret(check_collector_url))]
CollectorHeaders = Annotated[SecretStr, AfterValidator(check_secret(check_collector_headers))]
Origin = Annotated[str, Field(pattern=ORIGIN_PATTERN)]
Origins = Annotated[tuple[Origin, ...], NoDecode, BeforeValidator(split_setting)]
Presets = Annotated[str, AfterValidator(check_presets)]
RootPath = Annotated[str, AfterValidator(parse_root_path)]
Bucket = Annotated[str, Field(pattern=BUCKET_PATTERN)]
Buckets = Annotated[
    tuple[Bucket, ...], NoDecode, BeforeValidator(split_setting), AfterValidator(check_buckets)
]
Endpoint = Annotated[str, AfterValidator(check_endpoint), Field(repr=False)]
Region = Annotated[str, Field(pattern=REGION_PATTERN)]
Credential = Annotated[SecretStr, AfterValidator(check_credential)]
