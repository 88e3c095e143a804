"""A finished job as an HTTP answer: the JPEG alone, or with its heatmap as two parts."""

import secrets

from starlette.responses import Response

from contract.messages import Result


def answer(result: Result, image: bytes, heatmap: bytes | None, accept: str) -> Response:
    """Return the answer that ``accept``, the request's header, asks for."""
    headers = {
        "X-Original-Bytes": str(result.original_bytes),
        "X-Compressed-Bytes": str(result.compressed_bytes),
        "X-Reference-Bytes": str(result.reference_bytes),
        "Server-Timing": ", ".join(
            f"{stage};dur={elapsed_ms:.1f}" for stage, elapsed_ms in result.stage_ms.items()
        ),
        "Cache-Control": "no-store",
        "Vary": "Accept",
        "X-Content-Type-Options": "nosniff",
    }
    if result.passthrough:
        headers["X-Passthrough"] = "true"
    if heatmap is None or result.heatmap_type is None:
        return Response(image, headers=headers, media_type="image/jpeg")
    if accepts_multipart(accept):
        boundary = secrets.token_hex(16)
        body = multipart(boundary, [("image/jpeg", image), (result.heatmap_type, heatmap)])
        return Response(body, headers=headers, media_type=f'multipart/mixed; boundary="{boundary}"')
    headers["Link"] = f'</jobs/{result.job_id}/heatmap>; rel="heatmap"'
    return Response(image, headers=headers, media_type="image/jpeg")


def accepts_multipart(accept: str) -> bool:
    """Return whether ``multipart/mixed`` is asked for by name; a wildcard means the JPEG."""
    for entry in accept.lower().split(","):
        media_type, *parameters = (part.strip() for part in entry.split(";"))
        if media_type in {"multipart/mixed", "multipart/*"}:
            return not any(
                p.replace(" ", "") in {"q=0", "q=0.0", "q=0.00", "q=0.000"} for p in parameters
            )
    return False


def multipart(boundary: str, parts: list[tuple[str, bytes]]) -> bytes:
    """Return ``parts``, each a media type and its bytes, as RFC 2046, 5.1 has them."""
    pieces: list[bytes] = []
    for media_type, blob in parts:
        head = f"--{boundary}\r\nContent-Type: {media_type}\r\nContent-Length: {len(blob)}\r\n\r\n"
        pieces += [head.encode("ascii"), blob, b"\r\n"]
    pieces.append(f"--{boundary}--\r\n".encode("ascii"))
    return b"".join(pieces)
