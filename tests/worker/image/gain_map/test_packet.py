"""Properties of a packet are read in each form that XMP allows; a packet with entities is refused."""

import pytest

from worker.image.gain_map.numbers import InvalidGainMapError
from worker.image.gain_map.packet import RDF, parse, read_property, wrap


@pytest.mark.parametrize(
    ("element", "texts"),
    [
        ('<x a:n=" 1 "/>', ["1"]),
        ("<x><a:n> 1 </a:n></x>", ["1"]),
        ("<x><a:n/></x>", [""]),
        ("<x><a:n><r:Seq><r:li>1</r:li><r:li>2</r:li></r:Seq></a:n></x>", ["1", "2"]),
        ("<x/>", []),
        ("<x><b><a:n>1</a:n></b></x>", []),
    ],
)
def test_a_property_has_several_forms(element: str, texts: list[str]) -> None:
    root = parse(f'<o xmlns:a="urn:a" xmlns:r="{RDF}">{element}</o>'.encode())
    assert read_property(root[0], "urn:a", "n") == texts


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"<",
        b"<a>",
        b"\xff\xfe<",
        b'<?xml version="1.0" encoding="none"?><a/>',
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a SYSTEM "file:///x"><a/>',
    ],
)
def test_what_is_not_a_packet_is_refused(packet: bytes) -> None:
    with pytest.raises(InvalidGainMapError):
        parse(packet)


def test_a_written_packet_is_read() -> None:
    assert parse(wrap("<a/>"))[0][0].tag == "a"
