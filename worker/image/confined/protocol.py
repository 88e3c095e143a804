"""What a worker and its confined processes say to each other through two pipes."""

import json
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from contract.errors import ClientError, CorruptImageError, UnsupportedImageError
from worker.image.confined.sandbox import MEASURES, Measure
from worker.image.samples import Cicp, RawMetadata, Samples, StoredPhoto

# The first byte of a decoder that has loaded its libraries, that of a child that is about to read an
# upload, and the exit code of a decoder whose child has used up its time.
READY: Final = b"\n"
READING: Final = b"\r"
TOO_LONG: Final = 2
# Format, largest number of pixels of the answer, memory beyond the libraries', seconds of CPU time and
# in all, bytes that follow.
REQUEST: Final = struct.Struct(">8sQQIIQ")
LENGTH: Final = struct.Struct(">I")
MAX_HEADER_BYTES: Final = 8192
MAX_DETAIL_CHARS: Final = 200
MAX_BLOB_BYTES: Final = 64 * 1024 * 1024
# Of a file that is made of a photo: more than any encoder of ours writes, plus headers.
FILE_BYTES_PER_PIXEL, MAX_HEADERS_BYTES = 8, 1024 * 1024
CHANNELS: Final = {"grey": 1, "rgb": 3, "cmyk": 4, "lab": 3}
ALPHAS: Final = {"none": 0, "straight": 1, "premultiplied": 1}
TYPES: Final = ("|u1", "<u2", "<f4")
ERRORS: Final = {error.code: error for error in (CorruptImageError, UnsupportedImageError)}

# A photo that was decoded, a file that was encoded, or an error.
Answer = StoredPhoto | bytes | ClientError
Write = Callable[[Any], None]
ReadInto = Callable[[memoryview], None]


class GarbledAnswerError(Exception):
    """An answer is not what a decoder sends."""


@dataclass(frozen=True, slots=True)
class Request:
    """The format of an upload or of a file to write, and what decoding or encoding it may take."""

    format: str
    max_pixels: int
    memory_bytes: int
    cpu_s: int
    wall_s: int

    def pack(self, length: int) -> bytes:
        """Return the header of a request with an upload of ``length`` bytes."""
        name = self.format.encode()
        limits = (self.max_pixels, self.memory_bytes, self.cpu_s, self.wall_s)
        return REQUEST.pack(name, *limits, length)

    @classmethod
    def unpack(cls, header: bytes) -> "tuple[Request, int]":
        """Return what `pack` has packed, and the length."""
        name, *limits, length = REQUEST.unpack(header)
        return cls(name.rstrip(b"\0").decode(), *limits), length


def write_photo(photo: StoredPhoto, measures: Sequence[str], write: Write) -> None:
    """Send a photo, whose pixels are samples."""
    samples, metadata = photo.pixels, photo.metadata
    assert isinstance(samples, Samples)
    values = np.ascontiguousarray(samples.values)
    blobs = (samples.profile, *list_blobs(metadata))
    header = {
        "measures": list(measures),
        "type": values.dtype.str,
        "shape": values.shape,
        "model": samples.model,
        "alpha": samples.alpha,
        "cicp": samples.cicp and (samples.cicp.primaries, samples.cicp.transfer),
        "orientation": photo.orientation,
        "density": metadata.density,
        "blobs": [None if blob is None else len(blob) for blob in blobs],
    }
    write_header(header, write)
    write(values.data.cast("B"))
    for blob in blobs:
        write(blob or b"")


def write_file(file: bytes, measures: Sequence[str], write: Write) -> None:
    """Send a file."""
    write_header({"measures": list(measures), "file": len(file)}, write)
    write(file)


def write_error(error: ClientError, measures: Sequence[str], write: Write) -> None:
    """Send an error, one of ``ERRORS``."""
    detail = error.detail[:MAX_DETAIL_CHARS]
    write_header({"measures": list(measures), "error": error.code, "detail": detail}, write)


def write_header(header: dict[str, Any], write: Write) -> None:
    text = json.dumps(header).encode()
    write(LENGTH.pack(len(text)) + text)


def list_blobs(metadata: RawMetadata) -> tuple[bytes | None, ...]:
    return (metadata.exif, metadata.xmp, metadata.extended_xmp, metadata.image_resources)


def read_answer(read_into: ReadInto, max_pixels: int) -> tuple[Answer, list[Measure]]:
    """Return a process's answer, and how it is confined. Nothing in it is believed.

    Raises:
        GarbledAnswerError: when it is none, or the photo has more than ``max_pixels``, or the file more
            bytes than any of so many pixels.
    """
    (length,) = LENGTH.unpack(read(read_into, LENGTH.size))
    if length > MAX_HEADER_BYTES:
        raise GarbledAnswerError("too long a header")
    try:
        header = json.loads(read(read_into, length))
        measures = [measure for measure in MEASURES if measure in header["measures"]]
        if "error" in header:
            return read_error(header), measures
        if "file" in header:
            most_bytes = FILE_BYTES_PER_PIXEL * max_pixels + MAX_HEADERS_BYTES
            return read(read_into, read_count(header["file"], most_bytes)), measures
        return read_photo(header, read_into, max_pixels), measures
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise GarbledAnswerError("a field is missing or has another type") from error


def read_error(header: dict[str, Any]) -> ClientError:
    detail = header["detail"]
    if not (isinstance(detail, str) and len(detail) <= MAX_DETAIL_CHARS and detail.isprintable()):
        raise GarbledAnswerError("a sentence that can't be shown")
    return ERRORS[header["error"]](detail)


def read_photo(header: dict[str, Any], read_into: ReadInto, max_pixels: int) -> StoredPhoto:
    height_px, width_px, channels = shape = tuple(map(read_count, header["shape"]))
    model, alpha, cicp, density = (header[key] for key in ("model", "alpha", "cicp", "density"))
    if not 0 < height_px * width_px <= max_pixels:
        raise GarbledAnswerError("too many pixels, or none")
    if header["type"] not in TYPES or channels != CHANNELS[model] + ALPHAS[alpha]:
        raise GarbledAnswerError("samples of an unknown kind")
    values: NDArray[Any] = np.empty(shape, header["type"])
    read_into(values.data.cast("B"))
    profile, exif, xmp, extended_xmp, image_resources = (
        None if size is None else read(read_into, read_count(size, MAX_BLOB_BYTES))
        for size in header["blobs"]
    )
    if cicp is not None:
        primaries, transfer = map(read_count, cicp)
        cicp = Cicp(primaries, transfer)
    if density is not None:
        x, y, unit = map(read_count, density)
        density = (x, y, unit)
    metadata = RawMetadata(exif, xmp, extended_xmp, image_resources, density)
    samples = Samples(values, model, alpha, profile, cicp)
    return StoredPhoto(samples, read_count(header["orientation"]), metadata)


def read_count(value: object, most: int = 2**31 - 1) -> int:
    if not (isinstance(value, int) and 0 <= value <= most):
        raise GarbledAnswerError("a number that counts nothing")
    return value


def read(read_into: ReadInto, size: int) -> bytes:
    data = bytearray(size)
    read_into(memoryview(data))
    return bytes(data)
