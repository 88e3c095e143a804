"""Reads properties of an XMP packet (ISO 16684-1), written as attributes, elements or lists."""

from typing import Final

# Only the type; defusedxml parses.
from xml.etree.ElementTree import Element, ParseError  # nosec B405

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from worker.image.gain_map.numbers import InvalidGainMapError

RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"


def parse(packet: bytes) -> Element:
    """Return the packet's root.

    Raises:
        InvalidGainMapError: when it is not well-formed, or has a document type.
    """
    try:
        root: Element = fromstring(packet.strip(b"\0 \t\r\n"), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise InvalidGainMapError("the XMP is damaged") from error
    return root


def read_property(element: Element, namespace: str, name: str) -> list[str]:
    """Return a property's texts: one, those of a list, or none."""
    tag = f"{{{namespace}}}{name}"
    if (text := element.get(tag)) is not None:
        return [text.strip()]
    child = element.find(tag)
    if child is None:
        return []
    items = child.findall(f"*/{{{RDF}}}li") or [child]
    return [(item.text or "").strip() for item in items]


def wrap(descriptions: str) -> bytes:
    """Return a packet of descriptions, marked read-only: it has no padding for edits in place."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{RDF}">{descriptions}</rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()
