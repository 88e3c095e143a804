"""A finished job as an HTTP response: the JPEG, the JPEG and its heatmap in two parts, or JSON."""

from collections.abc import Mapping

from starlette.responses import JSONResponse, Response

from app.http.documents import describe_job, path_of
from app.http.preferences import Form
from app.queue.jobs import Job
from app.results.result import Outcome
from contract.messages import Result

# Whoever keeps a response asks again before using it; nobody between keeps one.
CACHE_CONTROL = "private, no-cache"
VARY = "Accept, Prefer"


def choose_available(form: Form, *, has_heatmap: bool) -> Form:
    """Return the form that is sent: without a heatmap there are no two parts."""
    return "image/jpeg" if form == "multipart/mixed" and not has_heatmap else form


def to_photo_response(outcome: Outcome, form: Form, job_id: str | None) -> Response:
    """Return a finished photo as ``form``; ``job_id`` is the one to link to, if there are links."""
    result, image, heatmap = outcome.finished
    headers = {
        **describe_result(result, outcome.stage_ms, outcome.cached_ms),
        "ETag": f'"{tag_of(outcome.identity, form, job_id)}"',
        "Cache-Control": CACHE_CONTROL,
        "Vary": VARY,
    }
    if form == "application/json" and job_id is not None:
        document = describe_job(Job(job_id, "finished", reply=result))
        headers["Content-Location"] = path_of(job_id)
        return JSONResponse(document.model_dump(mode="json", exclude_none=True), headers=headers)
    if form == "multipart/mixed" and heatmap is not None and result.heatmap_type is not None:
        # Of the identity, so that equal responses are equal; nobody can put its hash into a photo.
        boundary = outcome.identity[32:]
        body = multipart(boundary, [("image/jpeg", image), (result.heatmap_type, heatmap)])
        return Response(body, headers=headers, media_type=f'multipart/mixed; boundary="{boundary}"')
    if heatmap is not None and job_id is not None:
        headers["Link"] = f'<{path_of(job_id)}/heatmap>; rel="heatmap"'
    return Response(image, headers=headers, media_type="image/jpeg")


def tag_of(identity: str, form: Form, job_id: str | None) -> str:
    """Return the entity tag of a response, without quotes; other bytes have another one."""
    if form == "application/json":
        return f"{identity[:32]}-{job_id}"  # its links are its own
    return f"{identity[:32]}-parts" if form == "multipart/mixed" else identity[:32]


def not_modified(tag: str) -> Response:
    """Return the response to who has the photo already."""
    headers = {"ETag": f'"{tag}"', "Cache-Control": CACHE_CONTROL, "Vary": VARY}
    return Response(status_code=304, headers=headers)


def describe_result(
    result: Result, stage_ms: Mapping[str, float], cached_ms: float | None = None
) -> dict[str, str]:
    """Return the headers that every response with a finished photo carries."""
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
    return headers


def multipart(boundary: str, parts: list[tuple[str, bytes]]) -> bytes:
    """Return ``parts``, each a media type and its bytes, as RFC 2046, 5.1 has them."""
    pieces: list[bytes] = []
    for media_type, blob in parts:
        head = f"--{boundary}\r\nContent-Type: {media_type}\r\nContent-Length: {len(blob)}\r\n\r\n"
        pieces += [head.encode("ascii"), blob, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode("ascii"))
    return b"".join(pieces)
