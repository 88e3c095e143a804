"""The check of each response: the upload's own photo, or a clear error."""

import io

import numpy as np
from PIL import Image

from bench.load.closed_loop import Response
from bench.robustness.chaos_clients import (
    EMPTY,
    PROBLEM,
    Upload,
    find_fault,
    make_uploads,
    read_luma,
)
from tests.photos import file_of


def respond(image: Image.Image) -> Response:
    return Response(200, {}, file_of(image, "JPEG", quality=50))


def test_another_upload_s_photo_is_a_fault() -> None:
    uploads = make_uploads(seed=3)[:6]
    photos = [Image.open(io.BytesIO(upload.data)) for upload in uploads]
    assert all(find_fault(u, respond(p)) is None for u, p in zip(uploads, photos, strict=True))
    for upload in uploads[1:]:
        assert find_fault(upload, respond(photos[0])) == "the response is another photo's: its size"
        assert upload.luma is not None
        height, width = upload.luma.shape
        resized = respond(photos[0].resize((width, height)))
        assert find_fault(upload, resized) == "the response is another photo's: its content"


def test_an_empty_response_is_a_fault() -> None:
    upload = make_uploads(seed=3)[0]
    assert find_fault(upload, Response(200, {}, b"")) == EMPTY
    assert find_fault(upload, Response(503, {"content-type": PROBLEM}, b"")) == EMPTY


def test_an_error_without_a_problem_document_or_with_a_wrong_status_is_a_fault() -> None:
    upload = Upload(b"", read_luma(Image.new("L", (8, 8))))
    damaged = Upload(b"", None)

    def problem(status: int, code: str) -> Response:
        body = f'{{"type": "urn:foveate:problem:{code}"}}'.encode()
        return Response(status, {"content-type": PROBLEM}, body)

    assert find_fault(upload, problem(503, "no-worker")) is None
    assert find_fault(damaged, problem(422, "corrupt-image")) is None
    assert find_fault(upload, problem(422, "corrupt-image"))
    assert find_fault(upload, problem(200, "no-worker"))
    assert find_fault(upload, problem(500, "no-worker"))
    assert find_fault(upload, Response(502, {"content-type": "text/html"}, b"<html>"))
    assert find_fault(damaged, Response(200, {}, np.zeros(8).tobytes()))
