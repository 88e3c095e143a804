"""The directory in a photo's XMP of what lies behind it (Ultra HDR 1.1, "GContainer metadata")."""

from typing import Final

from worker.image.gain_map.numbers import InvalidGainMapError
from worker.image.gain_map.packet import RDF, parse, read_property
from worker.image.gain_map.xmp_metadata import NAMESPACE, VERSION

CONTAINER: Final = "http://ns.google.com/photos/1.0/container/"
ITEM: Final = "http://ns.google.com/photos/1.0/container/item/"
MOST_ITEMS: Final = 16
# What is left of a description by `describe` without what is said of gain maps.
EMPTIED: Final = f'<rdf:Description xmlns:rdf="{RDF}" rdf:about=""></rdf:Description>'.encode()


def find_gain_map(packet: bytes) -> tuple[int, int] | None:
    """Return where the gain map lies behind the photo: the bytes between them, and its length.

    Return None if the directory has none.

    Raises:
        InvalidGainMapError: when the packet is damaged or a length is none.
    """
    gap_bytes = 0
    for number, item in enumerate(parse(packet).iter(f"{{{CONTAINER}}}Item")):
        if number == MOST_ITEMS:
            break
        length = _read_bytes(read_property(item, ITEM, "Length"))
        if "GainMap" in read_property(item, ITEM, "Semantic"):
            return gap_bytes, length
        # The length of the first item, the photo, is often 0 and never needed.
        gap_bytes += (length if number else 0) + _read_bytes(read_property(item, ITEM, "Padding"))
    return None


def _read_bytes(texts: list[str]) -> int:
    if not texts:
        return 0
    if len(texts[0]) > 10 or not (texts[0].isascii() and texts[0].isdigit()):
        raise InvalidGainMapError("a length is no number")
    return int(texts[0])


def describe(gain_map_bytes: int) -> str:
    """Return the element for the photo's packet that names a gain map of so many bytes behind it."""
    items = "".join(
        f'<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="{semantic}"'
        f' Item:Mime="image/jpeg"{length}/></rdf:li>'
        for semantic, length in (("Primary", ""), ("GainMap", f' Item:Length="{gain_map_bytes}"'))
    )
    return (
        f'<rdf:Description xmlns:rdf="{RDF}" xmlns:Container="{CONTAINER}" xmlns:Item="{ITEM}"'
        f' xmlns:hdrgm="{NAMESPACE}" rdf:about="" hdrgm:Version="{VERSION}">'
        f"<Container:Directory><rdf:Seq>{items}</rdf:Seq></Container:Directory></rdf:Description>"
    )
