"""Size of a HEIC, or of another HEIF file without AV1 (ISO/IEC 23008-12): that of its primary item."""

from typing import Final

from contract.errors import CorruptImageError, UnsupportedImageError
from contract.image_headers.boxes import Box, find_box
from contract.image_headers.heif_items import read_item_size, read_meta, read_primary, read_types
from contract.image_headers.steps import Steps

LOW_OVERHEAD: Final = b"mif3"
# Major brands of files with HEVC (annex B), and brands of HEIF files of any codec.
BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
SHARED_BRANDS: Final = frozenset({b"mif1", b"mif2", LOW_OVERHEAD, b"msf1", b"miaf"})
# Types of items that are coded otherwise (annexes E to L; ISO/IEC 23001-17).
OTHER_CODECS: Final = {
    b"av01": "AV1 outside of an AVIF",
    b"avc1": "H.264",
    b"evc1": "EVC",
    b"j2k1": "JPEG 2000",
    b"jpeg": "JPEG",
    b"unci": "uncompressed samples",
    b"vvc1": "H.266",
}


def read_size(data: bytes, steps: Steps) -> tuple[int, int]:
    """Return width and height before any rotation or crop.

    Raises:
        UnsupportedImageError: when the file has tracks only or the low-overhead form (ISO/IEC 23008-12,
            ``mini``), or its picture is coded otherwise.
        CorruptImageError: when a box that is needed is missing or damaged.
        struct.error: when a box is truncated.
        TooManyStepsError: when there are too many boxes.
    """
    file = Box(b"", 0, len(data))
    meta = find_box(data, file, b"meta", steps)
    boxes = read_meta(data, meta, steps) if meta else {}
    if meta is None or b"pitm" not in boxes:
        if find_box(data, file, b"mini", steps):
            raise UnsupportedImageError("HEIF files in the low-overhead form are not supported.")
        if find_box(data, file, b"moov", steps):
            raise UnsupportedImageError("HEIF sequences without a still picture are not supported.")
        raise CorruptImageError("The HEIC has no picture.")
    kind = dict(read_types(data, boxes, steps)).get(read_primary(data, boxes), b"")
    if codec := OTHER_CODECS.get(kind):
        raise UnsupportedImageError(f"HEIF files with {codec} are not supported.")
    return read_item_size(data, meta, steps)
