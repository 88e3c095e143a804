"""Rewrites the kept part of a photo's EXIF (EXIF 2.32): only tags that Pillow can read remain."""

import logging
from typing import Any, Final

from PIL import Image

from contract.messages import Metadata

log = logging.getLogger(__name__)

ORIENTATION: Final = 0x0112
COPYRIGHT_TAGS: Final = (0x013B, 0x8298)  # Artist, Copyright
EXIF_IFD, GPS_IFD = 0x8769, 0x8825
# Tags that are not copied: how a TIFF stores its pixels (TIFF 6.0), and blocks that are written as
# separate segments or dropped.
STRUCTURE: Final = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284}
    | {288, 289, 290, 291, 292, 293, 297, 301, 317, 318, 319, 320, 321, 322, 323, 324, 325, 330}
    | {332, 333, 334, 336, 337, 338, 339, 340, 341, 342, 343, 347, 512, 513, 514, 515, 517, 518}
    | {519, 520, 521, 529, 530, 531, 532, 700, 33723, 34377, 34675, 37724, 50341, 0xA005}
) | {EXIF_IFD, GPS_IFD}
PIXEL_X, PIXEL_Y, MAKER_NOTE = 0xA002, 0xA003, 0x927C


def write_exif(
    image: Image.Image, keep: Metadata, size_px: tuple[int, int], longest_bytes: int
) -> bytes | None:
    """Return the payload of an EXIF segment, None if there is nothing to keep.

    The orientation is set to upright and the size to ``size_px``, (width, height). The thumbnail is
    left out, since it shows the original photo. Maker notes are left out if the payload would be
    longer than ``longest_bytes``; a payload that is still longer is dropped.
    """
    try:
        source = image.getexif()
        if keep == "copyright":
            kept = {tag: source[tag] for tag in COPYRIGHT_TAGS if source.get(tag)}
            return serialize(kept) if kept else None
        kept = {tag: value for tag, value in source.items() if tag not in STRUCTURE}
        kept.pop(ORIENTATION, None)
        for tag in (EXIF_IFD, GPS_IFD):
            if directory := dict(source.get_ifd(tag)):
                kept[tag] = directory
        if not kept:
            return None
        described = kept.get(EXIF_IFD, {})
        for tag, side_px in ((PIXEL_X, size_px[0]), (PIXEL_Y, size_px[1])):
            if tag in described:
                described[tag] = side_px
        kept[ORIENTATION] = 1
        payload = serialize(kept)
        if len(payload) > longest_bytes and described.pop(MAKER_NOTE, None) is not None:
            payload = serialize(kept)
    except Exception:  # Pillow raises many kinds of errors for damaged directories
        log.debug("EXIF ignored", exc_info=True)
        return None
    return payload if len(payload) <= longest_bytes else None


def serialize(tags: dict[int, Any]) -> bytes:
    """Return tags and directories of tags as the payload of an EXIF segment."""
    exif = Image.Exif()
    for tag, value in tags.items():
        exif[tag] = value
    return exif.tobytes()
