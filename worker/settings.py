"""The worker's settings, from the environment."""

import os
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.collector import check_collector_headers, check_collector_url
from contract.images import DEFAULT_MAX_PIXELS
from contract.redis_url import check_redis_url

# What a setting must be, by pydantic's type of error and with its fields.
ALLOWED: Final = {
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "literal_error": "one of {expected}",
}


# Either may have a secret in it.
CollectorUrl = Annotated[
    Annotated[str, AfterValidator(check_collector_url)] | None, Field(repr=False)
]
CollectorHeaders = Annotated[
    Annotated[str, AfterValidator(check_collector_headers)] | None, Field(repr=False)
]


class WorkerSettings(BaseSettings):
    """Each field is read from the environment variable of its name in upper case."""

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True, hide_input_in_errors=True)

    redis_url: Annotated[str, AfterValidator(check_redis_url), Field(repr=False)] = (
        "redis://127.0.0.1:6379/0"
    )
    device: Literal["auto", "cpu", "cuda"] = "auto"
    max_batch_size: Annotated[int, Field(ge=1, le=256)] = 16
    # The longest time that a decoded photo waits for others that are being decoded.
    max_linger_ms: Annotated[float, Field(ge=0, le=1000)] = 10.0
    # Limit on all photos in the pipeline together; a pixel takes about 30 bytes.
    max_open_pixels: Annotated[int, Field(ge=1)] = 64_000_000
    max_pixels: Annotated[int, Field(ge=1)] = DEFAULT_MAX_PIXELS
    # Whether HEIC is decoded; needs the extra `heic`.
    heic: Literal["on", "off"] = "on"
    codec_threads: Annotated[int, Field(ge=1, le=256)] = Field(
        default_factory=lambda: os.cpu_count() or 1
    )
    # How long Redis keeps results for a front end to fetch, and RQ's record of a job.
    result_ttl_s: Annotated[int, Field(ge=1, le=86_400)] = 300
    # How often RQ removes expired entries from its registries.
    maintenance_interval_s: Annotated[int, Field(ge=1)] = 60
    log_format: Literal["json", "text"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    # Traces; OpenTelemetry reads these variables itself.
    otel_exporter_otlp_endpoint: CollectorUrl = None
    otel_exporter_otlp_traces_endpoint: CollectorUrl = None
    otel_exporter_otlp_headers: CollectorHeaders = None
    otel_exporter_otlp_traces_headers: CollectorHeaders = None


def describe_errors(error: ValidationError) -> list[str]:
    """Return one line for each invalid setting: its name and what is allowed.

    Its value is left out: it may be a secret that was meant for another setting.
    """
    lines = []
    for fault in error.errors(include_url=False):
        name = str(fault["loc"][0]).upper()
        context = fault.get("ctx", {})
        if allowed := ALLOWED.get(fault["type"]):
            lines.append(f"{name} must be {allowed.format(**context)}")
        else:
            lines.append(f"{name} is invalid: {context.get('error', fault['msg'])}")
    return lines
