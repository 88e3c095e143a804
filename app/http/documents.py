"""The JSON of a job, as ``GET /jobs/{id}``, its events and JSON responses contain it."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from app.http.problems import to_document
from app.queue.job import Job, State
from contract.images import Format
from contract.messages import Failure, Result


class Box(BaseModel):
    """A part of an upright picture, in shares of its sides."""

    x: Annotated[float, Field(description="Its left edge")]
    y: Annotated[float, Field(description="Its upper edge")]
    width: float
    height: float


class Focus(BaseModel):
    """A point of the photo, in shares of its sides."""

    x: float
    y: float


class Region(BaseModel):
    """A place in the JPEG, and what it shows."""

    model_config = ConfigDict(serialize_by_alias=True)

    name: Annotated[str, Field(alias="class", examples=["dog"])]
    score: Annotated[float, Field(description="How sure this is, from 0 to 1", examples=[0.93])]
    box: Annotated[Box, Field(description="In shares of the JPEG's sides")]


class Statistics(BaseModel):
    """Sizes and times of a finished job, and what was found in the photo."""

    width: int
    height: int
    original_bytes: int
    compressed_bytes: int
    reference_bytes: Annotated[
        int, Field(description="Size of the standard JPEG at the same `quality`, without metadata")
    ]
    format: Annotated[Format, Field(description="Of the file")] = "jpeg"
    passthrough: Annotated[bool, Field(description="Whether the file is the upload, byte for byte")]
    version: Annotated[str, Field(description="Version of the network and the encoder")]
    stage_ms: Annotated[
        dict[str, float], Field(description="Milliseconds of queue, decode, predict and encode")
    ]
    crop: Annotated[
        Box | None, Field(description="The part of the upright photo that `fit=cover` kept")
    ] = None
    focus: Annotated[
        Focus | None, Field(description="The point to keep in view, as for CSS `object-position`")
    ] = None
    regions: Annotated[
        list[Region] | None,
        Field(description="What the JPEG shows and where, the most salient first, at most 16"),
    ] = None
    thumbhash: Annotated[
        str | None,
        Field(
            description="A blurred picture of the JPEG to show while it loads, a ThumbHash in base64",
            examples=["1QcSHQRnh493V4dIh4eXh1h4kJUI"],
        ),
    ] = None


class Links(BaseModel):
    """Paths on this host; None where the job has no such resource."""

    self: str
    events: str | None = None
    image: str | None = None
    heatmap: str | None = None


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str


class JobDocument(BaseModel):
    """A job."""

    id: str
    state: State
    position: Annotated[int | None, Field(description="Position in the queue; 1 is next")] = None
    submitted_at: datetime | None = None
    started_at: datetime | None = None
    result: Statistics | None = None
    error: Annotated[Problem | None, Field(description="Why the job failed")] = None
    links: Links


class WebhookDocument(BaseModel):
    """What a webhook sends (https://www.standardwebhooks.com)."""

    type: Literal["job.finished", "job.failed"]
    timestamp: Annotated[datetime, Field(description="When the end of the job was seen")]
    data: JobDocument


def job_path(job_id: str, root_path: str = "") -> str:
    """Return a job's path under the prefix ``root_path``."""
    return f"{root_path}/jobs/{job_id}"


def describe_job(job: Job, root_path: str = "") -> JobDocument:
    """Return a job's JSON document; its links are under the prefix ``root_path``."""
    path = job_path(job.job_id, root_path)
    links = Links(self=path)
    result: Statistics | None = None
    error: Problem | None = None
    reply = job.reply
    if reply is None:
        links.events = f"{path}/events"
    elif isinstance(reply, Failure):
        fault = reply.to_error()
        error = Problem.model_validate(
            to_document(fault.status, fault.code, fault.title, fault.detail)
        )
    else:
        result = describe_statistics(reply)
        links.image = f"{path}/image"
        links.heatmap = f"{path}/heatmap" if reply.heatmap_type else None
    return JobDocument(
        id=job.job_id,
        state=job.state,
        position=job.position,
        submitted_at=job.submitted_at,
        started_at=job.started_at,
        result=result,
        error=error,
        links=links,
    )


def describe_webhook(job: Job, root_path: str = "") -> bytes:
    """Return the JSON of a webhook that tells the end of ``job``."""
    document = WebhookDocument(
        type="job.failed" if job.state == "failed" else "job.finished",
        timestamp=datetime.now(UTC),
        data=describe_job(job, root_path),
    )
    return document.model_dump_json(exclude_none=True).encode()


def describe_statistics(result: Result) -> Statistics:
    """Return the part of a result that clients see."""
    return Statistics(
        width=result.width_px,
        height=result.height_px,
        original_bytes=result.original_bytes,
        compressed_bytes=result.compressed_bytes,
        reference_bytes=result.reference_bytes,
        format=result.format,
        passthrough=result.passthrough,
        version=result.model_version,
        stage_ms={stage: round(elapsed_ms, 3) for stage, elapsed_ms in result.stage_ms.items()},
        crop=result.crop and Box(**result.crop),
        focus=result.focus and Focus(**result.focus),
        regions=None if result.regions is None else [*map(Region.model_validate, result.regions)],
        thumbhash=result.thumbhash,
    )
