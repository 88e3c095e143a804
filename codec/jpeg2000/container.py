"""The boxes of a JP2 file around a codestream (ISO/IEC 15444-1 Annex I)."""

import struct
from collections.abc import Iterable
from typing import Final
from uuid import UUID

_SIGNATURE: Final = b"\r\n\x87\n"
_BRAND: Final = b"jp2 "
_JPEG_2000: Final = 7
"""The only compression type of the image header box."""
_SRGB: Final = 16
_GREY: Final = 17
EXIF: Final = UUID("4a706754-6966-6645-7869-662d3e4a5032")
"""Identifies EXIF, a TIFF structure (the bytes are "JpgTiffExif->JP2"); not standardized, read by exiftool and others."""
XMP: Final = UUID("be7acfcb-97a9-42e8-9c71-999491e3afac")
"""Identifies an XMP packet (ISO 16684-1)."""


def write_jp2(
    codestream: bytes,
    size: tuple[int, int],
    components: int,
    *,
    icc: bytes | None = None,
    uuids: Iterable[tuple[UUID, bytes]] = (),
) -> bytes:
    """Return a JP2 file.

    Args:
        codestream: of 8-bit samples.
        size: width and height in pixels.
        components: 1 (grey) or 3 (RGB).
        icc: a profile of the restricted method (I.5.3.3: an input profile by a matrix and curves, or by
            one curve); None says sRGB, or grey with sRGB's curve.
        uuids: content of UUID boxes, such as EXIF and XMP.
    """
    width, height = size
    image = struct.pack(">IIHBBBB", height, width, components, 7, _JPEG_2000, 0, 0)
    if icc is None:
        colour = struct.pack(">BBBI", 1, 0, 0, _GREY if components == 1 else _SRGB)
    else:
        colour = struct.pack(">BBB", 2, 0, 0) + icc
    boxes = [
        _box(b"jP  ", _SIGNATURE),
        _box(b"ftyp", _BRAND, struct.pack(">I", 0), _BRAND),
        _box(b"jp2h", _box(b"ihdr", image), _box(b"colr", colour)),
        *(_box(b"uuid", name.bytes, content) for name, content in uuids),
        _box(b"jp2c", codestream),
    ]
    return b"".join(boxes)


def _box(kind: bytes, *content: bytes) -> bytes:
    """Return a box; its length counts its own eight bytes."""
    return struct.pack(">I4s", 8 + sum(map(len, content)), kind) + b"".join(content)
