"""Responses with a finished photo: the file, the file and its heatmap as two parts, or JSON."""

from collections.abc import Mapping
from typing import Final

from starlette.responses import JSONResponse, Response

from app.http.documents import describe_job, job_path
from app.http.preferences import MediaType
from app.queue.job import describe_ended
from app.results.result import Outcome
from contract.errors import QueueUnavailableError
from contract.images import MEDIA_TYPES
from contract.messages import Result

# Shared caches must not store a response; a client must revalidate it before each use.
CACHE_CONTROL: Final = "private, no-cache"
VARY: Final = "Accept, Prefer"


def choose_available(media_type: MediaType, *, has_heatmap: bool) -> MediaType:
    """Return ``media_type``, or the photo alone where two parts lack the heatmap."""
    return "image/jpeg" if media_type == "multipart/mixed" and not has_heatmap else media_type


def to_photo_response(
    outcome: Outcome, media_type: MediaType, job_id: str | None, root_path: str = ""
) -> Response:
    """Return the response in ``media_type``; ``image/jpeg`` stands for the photo in any format.

    Its links, if it has any, lead to the job ``job_id`` under the prefix ``root_path``.

    Raises:
        QueueUnavailableError: as ``require_pictures``.
    """
    result, image, heatmap = outcome.finished
    photo_type = MEDIA_TYPES[result.format]
    require_pictures(image, heatmap)
    headers = {
        **describe_result(result, outcome.stage_ms, outcome.cached_ms),
        "ETag": f'"{to_entity_tag(outcome.identity, media_type, job_id)}"',
        "Cache-Control": CACHE_CONTROL,
        "Vary": VARY,
    }
    if media_type == "application/json" and job_id is not None:
        document = describe_job(describe_ended(job_id, result), root_path)
        headers["Content-Location"] = job_path(job_id, root_path)
        return JSONResponse(document.model_dump(mode="json", exclude_none=True), headers=headers)
    if media_type == "multipart/mixed" and heatmap is not None and result.heatmap_type is not None:
        # Equal results have the same boundary, so their responses are equal. A photo can't contain
        # its own boundary, which is part of a hash of the photo.
        boundary = outcome.identity[32:]
        body = encode_multipart(boundary, [(photo_type, image), (result.heatmap_type, heatmap)])
        return Response(body, headers=headers, media_type=f'multipart/mixed; boundary="{boundary}"')
    if heatmap is not None and job_id is not None:
        headers["Link"] = f'<{job_path(job_id, root_path)}/heatmap>; rel="heatmap"'
    return Response(image, headers=headers, media_type=photo_type)


def require_pictures(*pictures: bytes | None) -> None:
    """Check that no picture is empty, so that no response can be; None stands for no picture.

    Raises:
        QueueUnavailableError: when one is.
    """
    if b"" in pictures:
        raise QueueUnavailableError("The queue has lost the picture; send the photo again.")


def to_entity_tag(identity: str, media_type: MediaType, job_id: str | None) -> str:
    """Return the strong entity tag of a response, without quotes."""
    if media_type == "application/json":
        return f"{identity[:32]}-{job_id}"  # each response has its own links
    return f"{identity[:32]}-parts" if media_type == "multipart/mixed" else identity[:32]


def to_not_modified(tag: str) -> Response:
    """Return the 304 for a client that has the response with ``tag``."""
    headers = {"ETag": f'"{tag}"', "Cache-Control": CACHE_CONTROL, "Vary": VARY}
    return Response(status_code=304, headers=headers)


def describe_result(
    result: Result, stage_ms: Mapping[str, float], cached_ms: float | None = None
) -> dict[str, str]:
    """Return the headers of every response with a finished photo.

    ``cached_ms`` is the time to find the result in the cache, None if it was not cached.
    """
    timings = [f"{stage};dur={elapsed_ms:.1f}" for stage, elapsed_ms in stage_ms.items()]
    if cached_ms is not None:
        timings.append(f'cache;desc="hit";dur={cached_ms:.1f}')
    headers = {
        "X-Original-Bytes": str(result.original_bytes),
        "X-Compressed-Bytes": str(result.compressed_bytes),
        "X-Reference-Bytes": str(result.reference_bytes),
        "Server-Timing": ", ".join(timings),
        "X-Content-Type-Options": "nosniff",
    }
    if result.passthrough:
        headers["X-Passthrough"] = "true"
    if (crop := result.crop) is not None:
        headers["X-Crop"] = format_shares(crop["x"], crop["y"], crop["width"], crop["height"])
    if (focus := result.focus) is not None:
        headers["X-Focus"] = format_shares(focus["x"], focus["y"])
    return headers


def format_shares(*shares: float) -> str:
    """Return numbers as a list with commas; a point is then a value of `gravity`."""
    return ",".join(f"{share:g}" for share in shares)


def encode_multipart(boundary: str, parts: list[tuple[str, bytes]]) -> bytes:
    """Return a multipart body (RFC 2046, 5.1) of ``parts``, pairs of media type and bytes."""
    pieces: list[bytes] = []
    for media_type, blob in parts:
        head = f"--{boundary}\r\nContent-Type: {media_type}\r\nContent-Length: {len(blob)}\r\n\r\n"
        pieces += [head.encode("ascii"), blob, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode("ascii"))
    return b"".join(pieces)
