"""The front end's settings, from the environment."""

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from contract.images import DEFAULT_MAX_PIXELS, DEFAULT_MAX_UPLOAD_BYTES


class AppSettings(BaseSettings):
    """Each field is read from the environment variable of its name in upper case."""

    model_config = SettingsConfigDict(env_ignore_empty=True, frozen=True)

    redis_url: str = "redis://127.0.0.1:6379/0"
    max_upload_bytes: Annotated[int, Field(ge=1)] = DEFAULT_MAX_UPLOAD_BYTES
    max_pixels: Annotated[int, Field(ge=1)] = DEFAULT_MAX_PIXELS
    # Uploads that one front-end process holds or has queued; above, the answer is 429.
    max_pending: Annotated[int, Field(ge=1)] = 512
    max_pending_bytes: Annotated[int, Field(ge=1)] = 512 * 1024 * 1024
    # A client waits this long for its JPEG; then 504, and the job is withdrawn.
    request_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    # A body that arrives slower than this is given up.
    upload_timeout_s: Annotated[float, Field(gt=0, le=3600)] = 60.0
    # A restarting worker is waited for this long before uploads get 503.
    worker_grace_s: Annotated[float, Field(ge=0)] = 20.0
    # How long finished pictures stay in Redis: for their links, and cached after their last use.
    result_ttl_s: Annotated[int, Field(ge=1, le=86_400)] = 300
    # A job of `Prefer: respond-async` may wait and run this long.
    job_deadline_s: Annotated[float, Field(gt=0, le=86_400)] = 600.0
    # Bytes of pictures in Redis for whoever uploads the same again; 0 keeps none.
    cache_max_bytes: Annotated[int, Field(ge=0)] = 128 * 1024 * 1024
