"""Writes the kept part of a photo's XMP as segments (ISO 16684-1; XMP part 3, 1.1.3)."""

import hashlib
import logging
from collections.abc import Iterator
from copy import deepcopy
from itertools import chain
from typing import Final

# Only writes XML; defusedxml parses it.
from xml.etree import ElementTree as ET  # nosec B405

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from contract.messages import Metadata
from worker.image.metadata.geometry import Geometry
from worker.image.metadata.xmp_editor import PADDING, DamagedPacketError, edit_packet
from worker.image.metadata.xmp_properties import NOTE, Rules, is_part
from worker.image.samples import RawMetadata
from worker.image.segment_names import EXTENDED_XMP_NAME, XMP_NAME

log = logging.getLogger(__name__)

LONGEST_BYTES: Final = 65_533 - len(XMP_NAME)
EXTENSION_PART_BYTES: Final = 65_400
# A tree of XML takes some twenty times the bytes of its text.
LONGEST_PACKET_BYTES: Final = 4 * 1024 * 1024
# Instructions around the root.
WRAPPER, WRAPPER_END = b"<?xpacket", b"?>"
# First bytes of a packet: a byte order mark, or "<" without one.
UTF_16: Final = {
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"<\0": "utf-16-le",
    b"\0<": "utf-16-be",
}

NAMESPACES: Final = {
    "cc": "http://creativecommons.org/ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "x": "adobe:ns:meta/",
    "xmpNote": NOTE,
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
}
COPYRIGHT: Final = frozenset(
    f"{{{NAMESPACES[prefix]}}}{name}"
    for prefix, name in (
        ("cc", "attributionName"),
        ("cc", "attributionURL"),
        ("cc", "license"),
        ("dc", "creator"),
        ("dc", "rights"),
        ("photoshop", "Credit"),
        ("xmpRights", "Certificate"),
        ("xmpRights", "Marked"),
        ("xmpRights", "Owner"),
        ("xmpRights", "UsageTerms"),
        ("xmpRights", "WebStatement"),
    )
)
DESCRIPTION: Final = f"{{{NAMESPACES['rdf']}}}Description"
ABOUT: Final = f"{{{NAMESPACES['rdf']}}}about"

for _prefix, _uri in NAMESPACES.items():
    ET.register_namespace(_prefix, _uri)


def write_xmp(
    metadata: RawMetadata, keep: Metadata, geometry: Geometry, *, has_profile: bool
) -> list[bytes]:
    """Return the payloads of the segments to keep.

    Of ``all``, properties are changed or left out that don't describe the finished photo; the rest stays
    byte for byte. A packet that doesn't fit into one segment becomes extended XMP. Packets are dropped
    that are damaged or longer than 4 MB.
    """
    packet, extension = (
        to_utf8(found) if found is not None and len(found) <= LONGEST_PACKET_BYTES else None
        for found in (metadata.xmp, metadata.extended_xmp)
    )
    if packet is None:
        return []
    if keep == "copyright":
        roots = [parse(one) for one in (packet, extension) if one is not None]
        kept = keep_copyright([root for root in roots if root is not None])
        written = serialize(kept) if kept is not None else b""
        return [XMP_NAME + written] if 0 < len(written) <= LONGEST_BYTES else []
    if extension is not None:
        extension = edit(extension, Rules(geometry, has_profile=has_profile))
    digest = None if extension is None else compute_digest(extension)
    packet = edit(packet, Rules(geometry, has_profile=has_profile, extension=digest))
    if packet is not None and len(packet) > LONGEST_BYTES:
        packet = drop_padding(packet)
    if packet is not None and len(packet) > LONGEST_BYTES and extension is None:
        extension = unwrap(packet)
        packet = point_to(compute_digest(extension))
    if packet is None or len(packet) > LONGEST_BYTES:
        return []
    return [XMP_NAME + packet, *(() if extension is None else split_extension(extension))]


def to_utf8(packet: bytes) -> bytes:
    """Return a packet in the encoding that a JPEG's has, from UTF-16 or as it is."""
    for start, encoding in UTF_16.items():
        if packet.startswith(start):
            return packet.decode(encoding, "replace").encode()
    return packet


def edit(packet: bytes, rules: Rules) -> bytes | None:
    """Return a packet that describes the finished photo; None if it is damaged or nothing remains."""
    try:
        return edit_packet(packet, rules.find, is_part)
    except DamagedPacketError:
        log.debug("XMP ignored", exc_info=True)
        return None


def parse(packet: bytes) -> ET.Element | None:
    """Return the packet's root; None if it is not well-formed or has a document type."""
    try:
        root: ET.Element = fromstring(packet.strip(PADDING), forbid_dtd=True)
    except (ET.ParseError, DefusedXmlException, ValueError, LookupError, RecursionError):
        log.debug("XMP ignored", exc_info=True)
        return None
    return root


def drop_padding(packet: bytes) -> bytes:
    """Return a packet without the room for edits in place, which is at its end."""
    text = packet.strip(PADDING)
    at = text.rfind(WRAPPER)
    return text[:at].rstrip(PADDING) + text[at:] if at > 0 else text


def unwrap(packet: bytes) -> bytes:
    """Return a packet without the instructions around its root, which extended XMP doesn't have."""
    text = packet.strip(PADDING)
    if text.startswith(WRAPPER):
        text = text.partition(WRAPPER_END)[2]
    if text.endswith(WRAPPER_END):
        text = text.rpartition(WRAPPER)[0] or text
    return text.strip(PADDING)


def compute_digest(extension: bytes) -> str:
    """Return the digest that names extended XMP."""
    return hashlib.md5(extension, usedforsecurity=False).hexdigest().upper()


def split_extension(extension: bytes) -> Iterator[bytes]:
    """Yield payloads of extended XMP, each with its digest, full length and offset."""
    head = (
        EXTENDED_XMP_NAME + compute_digest(extension).encode() + len(extension).to_bytes(4, "big")
    )
    for at in range(0, len(extension), EXTENSION_PART_BYTES):
        yield head + at.to_bytes(4, "big") + extension[at : at + EXTENSION_PART_BYTES]


def point_to(digest: str) -> bytes:
    """Return a packet with nothing but the digest of the extended XMP."""
    meta = ET.Element(f"{{{NAMESPACES['x']}}}xmpmeta")
    rdf = ET.SubElement(meta, f"{{{NAMESPACES['rdf']}}}RDF")
    ET.SubElement(rdf, DESCRIPTION, {ABOUT: "", f"{{{NOTE}}}HasExtendedXMP": digest})
    return serialize(meta)


def keep_copyright(roots: list[ET.Element]) -> ET.Element | None:
    """Return a packet with the author and rights of all packets, None if they have neither."""
    meta = ET.Element(f"{{{NAMESPACES['x']}}}xmpmeta")
    rdf = ET.SubElement(meta, f"{{{NAMESPACES['rdf']}}}RDF")
    description = ET.SubElement(rdf, DESCRIPTION, {ABOUT: ""})
    for source in chain.from_iterable(root.iter(DESCRIPTION) for root in roots):
        for name, value in source.items():
            if name in COPYRIGHT:
                description.set(name, value)
        description.extend(deepcopy(child) for child in source if child.tag in COPYRIGHT)
    return meta if len(description) or len(description.attrib) > 1 else None


def serialize(root: ET.Element) -> bytes:
    """Return a packet in its wrapper, marked read-only: it has no padding for edits in place."""
    body: bytes = ET.tostring(root, encoding="utf-8")
    begin = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    return begin.encode() + body + b'<?xpacket end="r"?>'
