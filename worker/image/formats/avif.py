"""Reads AVIF with libavif, in the confined decoder only: with Pillow, or at more than 8 bits with imagecodecs.

libavif converts to RGB by the matrix of the ``nclx`` box or the bitstream, and makes alpha straight.
"""

import io
import re
import struct
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from imagecodecs import avif_decode
from numpy.typing import NDArray
from PIL import AvifImagePlugin, Image, TiffImagePlugin, UnidentifiedImageError

from contract.errors import CorruptImageError, UnsupportedImageError
from contract.image_headers.avif import ANIMATION
from contract.image_headers.boxes import Box, Fields, find_box
from contract.image_headers.heif_items import (
    read_content,
    read_items,
    read_meta,
    read_primary,
    read_properties,
    read_types,
)
from contract.image_headers.steps import Steps, TooManyStepsError
from worker.image.formats.heif_metadata import complete_cicp, has_part_twice, strip_exif
from worker.image.formats.heif_repairs import repair_avif
from worker.image.formats.orientation import read_orientation
from worker.image.limits import LONGEST_EXIF_BYTES
from worker.image.samples import Cicp, RawMetadata, Samples, StoredPhoto
from worker.image.segment_names import EXIF_NAME

# Pillow would load it for EXIF, which a confined process can't.
assert TiffImagePlugin
# The worker has a decoder for each of its threads.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1

# AV1 in ISOBMFF, 2.3.3: marker and version, profile and level, tier, high bit depth, twelve bits.
CONFIGURATION: Final = re.compile(rb"av1C\x81.(.)", re.DOTALL)
HIGH_BIT_DEPTH, TWELVE_BITS = 0x40, 0x20
# ISO/IEC 14496-12, 12.1.5.2: code points of primaries and transfer.
NCLX: Final = re.compile(rb"colrnclx(..)(..)", re.DOTALL)
# Types of colour information with an ICC profile (ISO/IEC 14496-12, 12.1.5).
PROFILES: Final = (b"prof", b"rICC")
# By the axis of mirroring, then by quarters (MIAF, ISO/IEC 23000-22, 7.3.6.7: rotation comes first).
ORIENTATIONS: Final = {None: (1, 8, 3, 6), 0: (4, 5, 2, 7), 1: (2, 7, 4, 5)}
# Of libavif's error for what the standard allows and libavif can't.
NOT_IMPLEMENTED: Final = "Not implemented"
# The type of EXIF's item, and one that libavif skips: it refuses files with damaged EXIF.
EXIF, NO_EXIF = b"Exif", b"none"

Values = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Boxes:
    """What the boxes say and neither Pillow nor imagecodecs returns."""

    without_exif: bytes
    exif: bytes | None = None
    crop: tuple[slice, slice] | None = None
    """Rows and columns of the clean aperture, before any rotation."""
    cicp: Cicp | None = None
    profile: bytes | None = None
    turns: int = 0
    """Quarters anticlockwise, before any mirroring."""
    mirror: int | None = None
    """0 exchanges top and bottom, 1 left and right."""

    @property
    def orientation(self) -> int:
        """EXIF's orientation (1 to 8) for turns and mirroring."""
        return ORIENTATIONS[self.mirror][self.turns]


def read(data: bytes) -> StoredPhoto:
    """Return the picture in ``data``, of a sequence the first.

    Raises:
        UnsupportedImageError: when libavif can't decode how it is coded.
        CorruptImageError: when it can't be decoded completely.
    """
    data = repair_avif(data)
    try:
        boxes = read_boxes(data)
    except (struct.error, CorruptImageError, TooManyStepsError):
        boxes = Boxes(data, cicp=find_cicp(data))
    try:
        samples, orientation, xmp = read_picture(data, boxes)
    except MemoryError:
        raise
    except Exception as error:  # many kinds of errors for damaged files
        if has_part_twice(data):
            detail = "An AVIF whose grids have a picture twice is not supported."
            raise UnsupportedImageError(detail) from error
        if NOT_IMPLEMENTED in str(error):
            detail = "The AVIF is coded in a way that is not supported."
            raise UnsupportedImageError(detail) from error
        raise CorruptImageError("The image's data is truncated or damaged.") from error
    return StoredPhoto(samples, orientation, RawMetadata(boxes.exif, xmp))


def read_picture(data: bytes, boxes: Boxes) -> tuple[Samples, int, bytes | None]:
    """Return samples, orientation and XMP.

    Pillow lets libavif be stricter than imagecodecs does, which tells nothing but samples.
    """
    xmp = None
    try:
        with Image.open(io.BytesIO(boxes.without_exif), formats=["AVIF"]) as image:
            # Pillow writes the file's own rotation as EXIF. Its getexif() reads XMP's too.
            orientation = read_orientation(image.info.get("exif", b"").removeprefix(EXIF_NAME))
            profile, xmp = image.info.get("icc_profile"), image.info.get("xmp")
            values = read_values(image, boxes.without_exif)
    except UnidentifiedImageError:
        if is_sequence(data):
            raise
        values = read_still(boxes.without_exif)
        orientation, profile = boxes.orientation, boxes.profile
    if boxes.crop is not None:
        values = values[boxes.crop]
    # With or without alpha. libavif's callers differ in whether grey with alpha remains grey.
    channels = values.shape[2]
    samples = Samples(
        values,
        "grey" if channels < 3 else "rgb",
        "none" if channels % 2 else "straight",
        profile,
        None if profile else boxes.cicp,
    )
    return samples, orientation, xmp


def read_values(image: Image.Image, data: bytes) -> Values:
    """Return the samples at their depth; those of a sequence at 8 bits.

    imagecodecs writes beyond its memory for sequences.
    """
    if is_sequence(data) or find_bits(data) == 8:
        values: Values = np.asarray(image)
        return values.reshape(*values.shape[:2], -1)
    return read_still(data)


def is_sequence(data: bytes) -> bool:
    """Return whether a file may have tracks."""
    return data[8:12] == ANIMATION or b"moov" in data


def read_still(data: bytes) -> Values:
    """Return the samples of a picture, which is no sequence."""
    bits = find_bits(data)
    values: Values = np.asarray(avif_decode(data, numthreads=1))
    if values.dtype == np.uint16:
        # The upper bits again below: the largest value becomes 65,535.
        values = (values << np.uint16(16 - bits)) | (values >> np.uint16(2 * bits - 16))
    return values.reshape(*values.shape[:2], -1)


def find_bits(data: bytes) -> int:
    """Return the largest depth of the file's bitstreams."""
    flags = [found[1][0] for found in CONFIGURATION.finditer(data)]
    high = [flag for flag in flags if flag & HIGH_BIT_DEPTH]
    return 8 if not high else 12 if high[0] & TWELVE_BITS else 10


def find_cicp(data: bytes) -> Cicp | None:
    """Return the first code points in a file of tracks."""
    found = NCLX.search(data)
    return found and complete_cicp(*(int.from_bytes(field, "big") for field in found.groups()))


def read_boxes(data: bytes) -> Boxes:
    """Return what a file's items say.

    Raises:
        CorruptImageError: when a box is damaged or missing.
        struct.error: when a box is truncated.
        TooManyStepsError: when there are too many boxes.
    """
    steps = Steps()
    meta = find_box(data, Box(b"", 0, len(data)), b"meta", steps)
    if meta is None:
        raise CorruptImageError("The file has no items.")
    boxes = read_meta(data, meta, steps)
    if not {b"pitm", b"iprp", b"iinf"} <= boxes.keys():
        raise CorruptImageError("The file has no primary item.")
    exif_numbers = {number for number, kind in read_types(data, boxes, steps) if kind == EXIF}
    exif = None
    for item in read_items(data, boxes, steps):
        if exif is None and item.number in exif_numbers:
            limit = LONGEST_EXIF_BYTES + 4 + len(EXIF_NAME) + 1  # one byte shows that it is longer
            content = bytes(read_content(memoryview(data), boxes, item, limit))
            exif = strip_exif(content[4:])
    iinf = boxes[b"iinf"]
    hidden = data[iinf.start : iinf.end].replace(EXIF, NO_EXIF)
    without_exif = data[: iinf.start] + hidden + data[iinf.end :] if exif_numbers else data
    return replace(read_own_properties(data, boxes, steps), without_exif=without_exif, exif=exif)


def read_own_properties(data: bytes, boxes: dict[bytes, Box], steps: Steps) -> Boxes:
    """Return what the properties of the primary item say."""
    aperture = cicp = size_px = profile = mirror = None
    turns = 0
    for box in read_properties(data, boxes[b"iprp"], read_primary(data, boxes), steps):
        content = data[box.start : box.end]
        if box.kind == b"ispe" and len(content) >= 12:
            size_px = struct.unpack_from(">II", content, 4)
        elif box.kind == b"clap":
            aperture = Fields(data, box)
        elif box.kind == b"colr" and content.startswith(b"nclx"):
            cicp = complete_cicp(*struct.unpack_from(">HH", content, 4))
        elif box.kind == b"colr" and content.startswith(PROFILES):
            profile = content[4:]
        elif box.kind == b"irot":
            turns = Fields(data, box).read(1) & 3
        elif box.kind == b"imir":
            mirror = Fields(data, box).read(1) & 1
    crop = read_crop(aperture, size_px) if aperture and size_px else None
    return Boxes(data, None, crop, cicp, profile, turns, mirror)


def read_crop(fields: Fields, size_px: tuple[int, ...]) -> tuple[slice, slice] | None:
    """Return rows and columns of a clean aperture (ISO/IEC 14496-12, 12.1.4); None if it has none."""
    numbers = [fields.read(4) for _ in range(8)]
    sides = []
    for side_px, length, unit, offset, offset_unit in (
        (size_px[0], *numbers[0:2], *numbers[4:6]),
        (size_px[1], *numbers[2:4], *numbers[6:8]),
    ):
        signed = offset - (1 << 32) if offset >= 1 << 31 else offset
        if not unit or not offset_unit or length % unit:
            return None
        # Twice the start: half of what is cut off, moved by the offset.
        length_px = length // unit
        twice, rest = divmod((side_px - length_px) * offset_unit + 2 * signed, offset_unit)
        start_px = twice // 2
        if rest or twice % 2 or length_px < 1 or start_px < 0 or start_px + length_px > side_px:
            return None
        sides.append(slice(start_px, start_px + length_px))
    return sides[1], sides[0]
