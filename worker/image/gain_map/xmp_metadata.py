"""The XMP form of a gain map's numbers (Adobe's gain map specification), in APP1 of its JPEG."""

import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Final
from xml.etree.ElementTree import Element  # nosec B405

from worker.image.gain_map.numbers import (
    ChannelNumbers,
    GainMapNumbers,
    InvalidGainMapError,
    check,
    limit_bits,
)
from worker.image.gain_map.packet import RDF, parse, read_property, wrap

NAMESPACE: Final = "http://ns.adobe.com/hdr-gain-map/1.0/"
VERSION: Final = "1.0"
# A bounded exponent: Fraction would compute the power of ten.
NUMBER: Final = re.compile(r"[+-]?(\d{1,20}(\.\d{0,40})?|\.\d{1,40})([eE][+-]?\d{1,2})?")
# The channels' properties in the order of `ChannelNumbers`, with the default of those that have one.
CHANNEL_PROPERTIES: Final = {
    "GainMapMin": "0",
    "GainMapMax": None,
    "Gamma": "1",
    "OffsetSDR": "0.015625",
    "OffsetHDR": "0.015625",
}


def read(packet: bytes) -> GainMapNumbers | None:
    """Return the numbers in a packet, None if it has no gain map's properties.

    Raises:
        InvalidGainMapError: when a property is damaged, missing or out of range, or the photo is the
            HDR one.
    """
    for description in parse(packet).iter(f"{{{RDF}}}Description"):
        if _read_text(description, "GainMapMax") is None:
            continue
        if _read_text(description, "Version") != VERSION:
            raise InvalidGainMapError("the gain map is of an unknown version")
        if _read_text(description, "BaseRenditionIsHDR") not in {None, "False", "false"}:
            raise InvalidGainMapError("the photo is the HDR one")
        values = [_read_values(description, *item) for item in CHANNEL_PROPERTIES.items()]
        count = max(map(len, values))
        if count not in {1, 3} or any(len(of_all) not in {1, count} for of_all in values):
            raise InvalidGainMapError("the gain map has another number of channels")
        padded = [of_all * (count // len(of_all)) for of_all in values]
        (base_headroom,) = _read_values(description, "HDRCapacityMin", "0")[:1]
        (alternate_headroom,) = _read_values(description, "HDRCapacityMax", None)[:1]
        channels = tuple(ChannelNumbers(*of_one) for of_one in zip(*padded, strict=True))
        return check(GainMapNumbers(base_headroom, alternate_headroom, channels))
    return None


def _read_text(description: Element, name: str) -> str | None:
    found = read_property(description, NAMESPACE, name)
    return found[0] if found else None


def _read_values(description: Element, name: str, default: str | None) -> list[Fraction]:
    texts = read_property(description, NAMESPACE, name) or ([] if default is None else [default])
    if not texts or not all(map(NUMBER.fullmatch, texts)):
        raise InvalidGainMapError(f"{name} is no number")
    return [limit_bits(Fraction(text)) for text in texts]


def write(numbers: GainMapNumbers) -> bytes | None:
    """Return a packet; None if XMP has no words for it: it applies in the photo's colours only."""
    if not numbers.uses_base_colours:
        return None
    attributes = [
        ("Version", VERSION),
        ("HDRCapacityMin", _format(numbers.base_headroom)),
        ("HDRCapacityMax", _format(numbers.alternate_headroom)),
        ("BaseRenditionIsHDR", "False"),
    ]
    elements: list[str] = []
    for name, values in zip(CHANNEL_PROPERTIES, zip(*numbers.channels, strict=True), strict=True):
        # Most readers know attributes only, which hold one number.
        if len(set(values)) == 1:
            attributes.append((name, _format(values[0])))
        else:
            items = "".join(f"<rdf:li>{_format(value)}</rdf:li>" for value in values)
            elements.append(f"<hdrgm:{name}><rdf:Seq>{items}</rdf:Seq></hdrgm:{name}>")
    return wrap(
        f'<rdf:Description rdf:about="" xmlns:hdrgm="{NAMESPACE}"'
        f"{''.join(_write_attributes(attributes))}>{''.join(elements)}"
        "</rdf:Description>"
    )


def _write_attributes(attributes: list[tuple[str, str]]) -> Iterator[str]:
    for name, text in attributes:
        yield f' hdrgm:{name}="{text}"'


def _format(value: Fraction) -> str:
    """Return the shortest decimal that names the value among the doubles."""
    return repr(float(value))
