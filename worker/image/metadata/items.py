"""Kept metadata as a format has it that is no JPEG: whole, without segments (ISO 23008-12, annex A)."""

from typing import Final

from codec import Metadata
from contract.image_headers import jpeg
from contract.image_headers.steps import Steps
from worker.image.metadata.segments import APP1, APP2
from worker.image.metadata.xmp import DESCRIPTION, NAMESPACES, parse, serialize
from worker.image.segment_names import EXIF_NAME, EXTENDED_XMP_NAME, ICC_NAME, XMP_NAME

DIGEST_BYTES, NUMBERS_BYTES = 32, 8
RDF: Final = f"{{{NAMESPACES['rdf']}}}RDF"
HAS_EXTENSION: Final = f"{{{NAMESPACES['xmpNote']}}}HasExtendedXMP"


def split_segments(segments: bytes) -> Metadata:
    """Return the EXIF, XMP and colour profile of consecutive marker segments.

    IPTC's resources and JFIF's density have no place outside of a JPEG and are left out. Extended XMP
    is joined to the packet that points to it.
    """
    exif, xmp, extension, profile = b"", b"", b"", b""
    data = b"\xff\xd8" + segments + b"\xff\xda\0\2"
    for marker, start, end in jpeg.read_segments(data, Steps()):
        payload = data[start:end]
        if marker == APP1 and payload.startswith(EXIF_NAME):
            exif = payload.removeprefix(EXIF_NAME)
        elif marker == APP1 and payload.startswith(XMP_NAME):
            xmp = payload.removeprefix(XMP_NAME)
        elif marker == APP1 and payload.startswith(EXTENDED_XMP_NAME):
            extension += payload[len(EXTENDED_XMP_NAME) + DIGEST_BYTES + NUMBERS_BYTES :]
        elif marker == APP2 and payload.startswith(ICC_NAME):
            profile += payload[len(ICC_NAME) + 2 :]
    return Metadata(exif, join_extension(xmp, extension) if extension else xmp, profile)


def join_extension(packet: bytes, extension: bytes) -> bytes:
    """Return one packet with the properties of both; the first alone if either is damaged.

    It no longer says that there is an extension.
    """
    root, more = parse(packet), parse(extension)
    target = None if root is None else root.find(f".//{RDF}")
    if root is None or more is None or target is None:
        return packet
    for description in root.iter(DESCRIPTION):
        description.attrib.pop(HAS_EXTENSION, None)
        for child in description.findall(HAS_EXTENSION):
            description.remove(child)
    target.extend(list(more.iter(DESCRIPTION)))
    return serialize(root)
