"""Writes the kept part of a photo's XMP (ISO 16684-1): all of it, or author and rights only."""

import logging
from copy import deepcopy
from typing import Final

# Only writes XML; defusedxml parses it.
from xml.etree import ElementTree as ET  # nosec B405

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from contract.messages import Metadata

log = logging.getLogger(__name__)

NAMESPACES: Final = {
    "cc": "http://creativecommons.org/ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "x": "adobe:ns:meta/",
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
ORIENTATION: Final = f"{{{NAMESPACES['tiff']}}}Orientation"
DESCRIPTION: Final = f"{{{NAMESPACES['rdf']}}}Description"
ABOUT: Final = f"{{{NAMESPACES['rdf']}}}about"

for _prefix, _uri in NAMESPACES.items():
    ET.register_namespace(_prefix, _uri)


def write_xmp(packet: bytes, keep: Metadata, longest_bytes: int) -> bytes | None:
    """Return the packet to keep, None if nothing is kept or it is not well-formed XML.

    The orientation is set to upright. A packet with a document type is dropped: its entities could
    expand without limit, and valid XMP has no document type. So is a result of more than
    ``longest_bytes``.
    """
    try:
        root = fromstring(packet.strip(b"\0 \t\r\n"), forbid_dtd=True)
    except (ET.ParseError, DefusedXmlException, ValueError, LookupError, RecursionError):
        log.debug("XMP ignored", exc_info=True)
        return None
    if keep == "copyright":
        kept = keep_copyright(root)
        written = None if kept is None else serialize(kept)
    else:
        written = serialize(root) if reset_orientation(root) else packet
    return written if written is not None and len(written) <= longest_bytes else None


def keep_copyright(root: ET.Element) -> ET.Element | None:
    """Return a packet with author and rights only, None if ``root`` has neither."""
    meta = ET.Element(f"{{{NAMESPACES['x']}}}xmpmeta")
    rdf = ET.SubElement(meta, f"{{{NAMESPACES['rdf']}}}RDF")
    description = ET.SubElement(rdf, DESCRIPTION, {ABOUT: ""})
    for source in root.iter(DESCRIPTION):
        for name, value in source.items():
            if name in COPYRIGHT:
                description.set(name, value)
        description.extend(deepcopy(child) for child in source if child.tag in COPYRIGHT)
    return meta if len(description) or len(description.attrib) > 1 else None


def reset_orientation(root: ET.Element) -> bool:
    """Set every orientation to upright; return whether any was different."""
    changed = False
    for element in root.iter():
        if element.tag == ORIENTATION and element.text != "1":
            element.text = "1"
            changed = True
        if element.get(ORIENTATION, "1") != "1":
            element.set(ORIENTATION, "1")
            changed = True
    return changed


def serialize(root: ET.Element) -> bytes:
    """Return a packet in its wrapper, marked read-only: it has no padding for edits in place."""
    body: bytes = ET.tostring(root, encoding="utf-8")
    begin = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    return begin.encode() + body + b'<?xpacket end="r"?>'
