"""A photo crosses the pipe unchanged, and nothing that a decoder says is believed."""

import io
import json
from typing import Any

import numpy as np
import pytest

from contract.errors import CorruptImageError, UnsupportedImageError
from worker.image.confined.protocol import (
    FILE_BYTES_PER_PIXEL,
    LENGTH,
    MAX_BLOB_BYTES,
    MAX_HEADER_BYTES,
    MAX_HEADERS_BYTES,
    GarbledAnswerError,
    Request,
    read_answer,
    write_error,
    write_file,
    write_photo,
)
from worker.image.samples import Cicp, RawMetadata, Samples, StoredPhoto

MAX_PIXELS = 100
VALUES = np.arange(2 * 3 * 4, dtype=np.uint16).reshape(2, 3, 4)
PHOTO = StoredPhoto(
    Samples(VALUES, "rgb", "premultiplied", b"profile", Cicp(9, 16)),
    6,
    RawMetadata(b"exif", b"<x/>", None, b"", (300, 300, 1)),
)


def read(data: bytes) -> Any:
    """Return an answer, or raise EOFError where it ends too early."""
    file = io.BytesIO(data)

    def read_into(target: memoryview) -> None:
        if file.readinto(target) < len(target):
            raise EOFError

    return read_answer(read_into, MAX_PIXELS)


def write(photo: StoredPhoto = PHOTO, **changes: Any) -> bytes:
    """Return an answer whose header has other fields."""
    pieces: list[bytes] = []
    write_photo(photo, ["limits", "seccomp", "hopes"], lambda data: pieces.append(bytes(data)))
    header = {**json.loads(pieces[0][LENGTH.size :]), **changes}
    text = json.dumps(header).encode()
    return b"".join([LENGTH.pack(len(text)) + text, *pieces[1:]])


def test_requests_cross() -> None:
    request = Request("HEIC", 50_000_000, 1 << 33, 7, 11)
    assert Request.unpack(request.pack(1 << 33)) == (request, 1 << 33)


def test_files_cross_up_to_a_size() -> None:
    def write_size(size: int) -> bytes:
        pieces: list[bytes] = []
        write_file(bytes(size), ["limits"], lambda data: pieces.append(bytes(data)))
        return b"".join(pieces)

    most = FILE_BYTES_PER_PIXEL * MAX_PIXELS + MAX_HEADERS_BYTES
    for size in (0, 5, most):
        assert read(write_size(size)) == (bytes(size), ["limits"])
    for data in (write_size(most + 1), write_size(5).replace(b"5", b"-5"), write(file="5")):
        with pytest.raises(GarbledAnswerError):
            read(data)
    with pytest.raises(EOFError):
        read(write_size(5)[:-1])


def test_photos_cross() -> None:
    photo, measures = read(write())
    assert measures == ["limits", "seccomp"]
    assert np.array_equal(photo.pixels.values, VALUES)
    assert photo.pixels.values.dtype == np.uint16
    for name in ("model", "alpha", "profile", "cicp"):
        assert getattr(photo.pixels, name) == getattr(PHOTO.pixels, name)
    assert (photo.orientation, photo.metadata) == (PHOTO.orientation, PHOTO.metadata)


def test_a_photo_without_anything_crosses() -> None:
    plain = StoredPhoto(Samples(VALUES[..., :1].astype(np.float32), "grey"))
    photo, _ = read(write(plain))
    assert photo.metadata == RawMetadata()
    assert (photo.pixels.cicp, photo.pixels.profile, photo.pixels.alpha) == (None, None, "none")


@pytest.mark.parametrize("kind", [CorruptImageError, UnsupportedImageError])
def test_errors_cross(kind: type[CorruptImageError] | type[UnsupportedImageError]) -> None:
    pieces: list[bytes] = []
    write_error(kind("Just so."), ["limits"], pieces.append)
    error, _ = read(b"".join(pieces))
    assert (type(error), error.detail) == (kind, "Just so.")


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": [2, 51, 4]},
        {"shape": [-2, -3, 4]},
        {"shape": [0, 3, 4]},
        {"shape": [2, 3]},
        {"shape": [2, 3, 3]},
        {"shape": [1.0, 3, 4]},
        {"shape": "234"},
        {"type": "|O"},
        {"type": ["<u2"]},
        {"model": "hsv"},
        {"model": {}},
        {"alpha": "some"},
        {"cicp": [1]},
        {"cicp": 5},
        {"cicp": [1, -1]},
        {"density": [1, 2]},
        {"orientation": None},
        {"blobs": [1]},
        {"blobs": [MAX_BLOB_BYTES + 1, None, None, None, None]},
        {"measures": 5},
        {"error": "queue-full", "detail": "No."},
        {"error": "corrupt-image", "detail": "\x1b[31m"},
        {"error": "corrupt-image", "detail": "a" * 300},
        {"error": "corrupt-image", "detail": None},
        {"error": [], "detail": "a"},
    ],
)
def test_a_lie_is_noticed(changes: dict[str, Any]) -> None:
    with pytest.raises(GarbledAnswerError):
        read(write(**changes))


@pytest.mark.parametrize(
    "header", [b"", b"null", b"[]", b"{}", b"\xff", b"[" * 5000, b" " * (MAX_HEADER_BYTES + 1)]
)
def test_other_headers_are_noticed(header: bytes) -> None:
    with pytest.raises(GarbledAnswerError):
        read(LENGTH.pack(len(header)) + header)


def test_an_answer_that_ends_too_early_is_noticed() -> None:
    data = write()
    for length in (0, 3, 10, len(data) - 1):
        with pytest.raises(EOFError):
            read(data[:length])
