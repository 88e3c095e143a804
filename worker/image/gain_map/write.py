"""Writes a gain map's JPEG, and what the photo's own segments say of it (ISO 21496-1; Ultra HDR 1.1)."""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np

import codec
from contract.image_headers import jpeg
from contract.image_headers.steps import Steps
from contract.messages import Options
from worker.image.coefficients import read_upright
from worker.image.gain_map import container, iso_metadata, xmp_metadata
from worker.image.gain_map.geometry import Window, fit_gain_map, is_only_turned
from worker.image.gain_map.numbers import InvalidGainMapError
from worker.image.gain_map.packet import wrap
from worker.image.gain_map.read import GainMap
from worker.image.metadata.geometry import Geometry
from worker.image.metadata.segments import (
    APP1,
    APP2,
    LONGEST_PAYLOAD_BYTES,
    insert,
    split_profile,
)
from worker.image.resize import turn_size
from worker.image.segment_names import EXIF_NAME, XMP_NAME

# In steps of 5 the lowest at which a gain map with grain stays within 1 % of full intensity, as
# tests/worker/image/gain_map/test_write.py checks.
QUALITY: Final = 90
END_OF_RDF: Final = re.compile(rb"</([A-Za-z_][\w.-]*:)?RDF\s*>")


@dataclass(frozen=True, slots=True)
class UncutGainMap:
    """The gain map of a photo that is still to be cropped."""

    gain_map: GainMap
    geometry: Geometry
    """Of the photo after that."""


def cut_gain_map(
    uncut: UncutGainMap, segments: bytes, options: Options, shares: Window
) -> tuple[bytes, bytes]:
    """Return the photo's marker segments and its gain map's JPEG, as they are after a crop.

    ``shares`` are the crop's left, top, right and bottom in shares of the upright photo's sides.
    """
    across, down = turn_size(uncut.geometry.stored_px, uncut.geometry.orientation)
    left, top, right, bottom = shares
    window = (left * across, top * down, right * across, bottom * down)
    jpeg = encode_gain_map(uncut.gain_map, options, uncut.geometry, window)
    return announce_gain_map(segments, uncut.gain_map, len(jpeg)), jpeg


def encode_gain_map(
    gain_map: GainMap, options: Options, geometry: Geometry, window: Window | None = None
) -> bytes:
    """Return the JPEG of the finished photo's gain map."""
    image = fit_gain_map(gain_map.image, geometry, window)
    pixels = np.asarray(image)
    settings = codec.EncodeSettings(
        quality=QUALITY,
        floor=QUALITY,
        target="quality",
        strength=0.0,
        subsampling="444",
        progressive=options.progressive,
    )
    source = None
    if is_only_turned(geometry, window):
        source = read_upright(gain_map.jpeg, geometry.orientation, image.size)
    if source is not None:
        encoded = codec.transcode(source, pixels, None, settings)
    else:
        encoded = codec.encode(pixels, None, settings)
    segments = [codec.write_segment(APP2, iso_metadata.NAME + iso_metadata.write(gain_map.numbers))]
    if packet := xmp_metadata.write(gain_map.numbers):
        segments.insert(0, codec.write_segment(APP1, XMP_NAME + packet))
    if gain_map.profile:
        segments += split_profile(gain_map.profile)
    return insert(encoded.jpeg, b"".join(segments))


def announce_gain_map(segments: bytes, gain_map: GainMap, gain_map_bytes: int) -> bytes:
    """Return a photo's marker segments with those that say that a gain map follows it.

    The index of pictures is left out: it names the photo's length.
    """
    before, packet, behind = split_at_xmp(segments)
    if gain_map.numbers.uses_base_colours:
        packet = add_to_packet(packet, container.describe(gain_map_bytes))
    xmp = codec.write_segment(APP1, XMP_NAME + packet) if packet else b""
    return (
        before + xmp + behind + codec.write_segment(APP2, iso_metadata.NAME + iso_metadata.VERSION)
    )


def split_at_xmp(segments: bytes) -> tuple[bytes, bytes, bytes]:
    """Return what is before the XMP packet, or its place behind EXIF; the packet; what is behind."""
    at = 0
    data = b"\xff\xd8" + segments + b"\xff\xda\0\2"
    for marker, start, end in jpeg.read_segments(data, Steps()):
        if marker == APP1 and segments.startswith(XMP_NAME, start - 2):
            packet = segments[start - 2 + len(XMP_NAME) : end - 2]
            return segments[: start - 6], packet, segments[end - 2 :]
        if marker == APP1 and segments.startswith(EXIF_NAME, start - 2):
            at = end - 2
    return segments[:at], b"", segments[at:]


def add_to_packet(packet: bytes, description: str) -> bytes:
    """Return an XMP packet with a further description as its last; all else stays byte for byte.

    A packet that has no room for it, or is not in UTF-8, is returned as it is.
    """
    if not packet:
        return wrap(description)
    ends = [found.start() for found in END_OF_RDF.finditer(packet)]
    if not ends:
        return packet
    # A result that is sent again has an emptied description where its gain map was described.
    start = packet[: ends[-1]].removesuffix(container.EMPTIED)
    extended = start + description.encode() + packet[ends[-1] :]
    try:
        is_found = container.find_gain_map(extended) is not None
    except InvalidGainMapError:
        return packet
    fits = len(extended) <= LONGEST_PAYLOAD_BYTES - len(XMP_NAME)
    return extended if is_found and fits else packet
