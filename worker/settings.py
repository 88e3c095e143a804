"""The worker's settings, from the environment."""

import os
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.images import DEFAULT_MAX_PIXELS


class WorkerSettings(BaseSettings):
    """Each field is read from the environment variable of its name in upper case."""

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True)

    redis_url: str = "redis://127.0.0.1:6379/0"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    max_batch_size: Annotated[int, Field(ge=1, le=256)] = 16
    # How long a photo that is ready waits for others that still decode, at most.
    max_linger_ms: Annotated[float, Field(ge=0, le=1000)] = 10.0
    # Photos in all stages lie in memory together, at about 30 bytes for each pixel.
    max_open_pixels: Annotated[int, Field(ge=1)] = 64_000_000
    max_pixels: Annotated[int, Field(ge=1)] = DEFAULT_MAX_PIXELS
    codec_threads: Annotated[int, Field(ge=1, le=256)] = Field(
        default_factory=lambda: os.cpu_count() or 1
    )
    # Of a lone photo's pass through the network on a CPU; by default as many as the codec has.
    pass_threads: Annotated[int | None, Field(ge=1, le=256)] = None
    # How long results lie in Redis for a front end to fetch, and RQ's record of a job.
    result_ttl_s: Annotated[int, Field(ge=1, le=86_400)] = 300
    # How often RQ's registries are swept for what has expired.
    maintenance_interval_s: Annotated[int, Field(ge=1)] = 60
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
