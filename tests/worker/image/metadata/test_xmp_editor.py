"""An XMP packet is edited in its text: attributes, elements and declarations, and nothing else."""

import time

import pytest
from defusedxml.ElementTree import fromstring
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.image.metadata.xmp_editor import DamagedPacketError, Rule, drop, edit_packet

RDF = b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'


def find_rule(namespace: str, name: str, around: list[str]) -> Rule | None:
    """Drop namespace "gone:" and "bad" names, double "twice" unless it lies in "kept"."""
    if namespace == "gone:" or name == "bad":
        return drop
    if name == "twice" and "kept" not in around:
        return lambda text: text * 2 if text else None
    return None


def edit(content: bytes) -> bytes | None:
    head, tail = b'<rdf:RDF xmlns:a="a:" ' + RDF + b">", b"</rdf:RDF>\n "
    written = edit_packet(head + content + tail, find_rule, lambda uri: uri == "gone:")
    if written is None:
        return None
    assert written.startswith(head)
    assert written.endswith(tail)
    return written[len(head) : -len(tail)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b'<a:x a:y="1"/>', b'<a:x a:y="1"/>'),
        # Attributes.
        (b'<a:x a:bad="1" a:y="2"/>', b'<a:x a:y="2"/>'),
        (b'<a:x a:y="2"\n  a:bad = \'>"/\' />', b'<a:x a:y="2" />'),
        (b'<a:x a:twice="1"/>', b'<a:x a:twice="11"/>'),
        (b"<a:x a:twice = '&lt;\"'/>", b"<a:x a:twice = '&lt;\"&lt;\"'/>"),
        (b'<a:x a:twice=""/>', b"<a:x/>"),
        # Elements.
        (b"<a:x/>\n <a:bad/>\n<a:y/>", b"<a:x/>\n<a:y/>"),
        (b"<a:x/><a:bad >t<a:z>u</a:z></a:bad ><a:y/>", b"<a:x/><a:y/>"),
        (b"<a:x/><a:bad><a:bad/></a:bad><a:bad></a:bad><a:y/>", b"<a:x/><a:y/>"),
        (b"<a:twice>1&amp;</a:twice>", b"<a:twice>1&amp;1&amp;</a:twice>"),
        (b"<a:x/><a:twice/>", b"<a:x/>"),
        (b"<a:x/><a:twice><a:y a:twice='1'/></a:twice>", b"<a:x/>"),
        (b"<a:kept><a:y><a:twice>1</a:twice></a:y></a:kept>",) * 2,
        # Names count by their namespace, not by their prefix.
        (b'<a:x/><q:y xmlns:q="gone:"/>', b"<a:x/>"),
        (b'<a:x xmlns:q="gone:" a:y="1" q:z="2"/>', b'<a:x a:y="1"/>'),
        (b"<a:x xmlns:q='gone:'><y xmlns='gone:'/></a:x>", b"<a:x></a:x>"),
        # What looks like a tag.
        (b"<!-- <a:bad/> --><a:x><![CDATA[<a:bad/>]]></a:x>",) * 2,
        ("<a:x a:ä='ü'/><a:bad>é</a:bad>".encode(), "<a:x a:ä='ü'/>".encode()),
    ],
)
def test_only_what_the_rules_name_changes(before: bytes, after: bytes) -> None:
    assert edit(before) == after


@pytest.mark.parametrize(
    "content",
    [b"", b"<rdf:Description rdf:about=''/>", b"<a:bad><a:x a:y='1'/></a:bad>", b"<a:twice/>"],
)
def test_a_packet_without_properties_is_dropped(content: bytes) -> None:
    assert edit(content) is None


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"<a",
        b"<a></b>",
        b"<a/><b/>",
        b"<a x='1' x='2'/>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><a y='1'>&b;</a>",
        b"<!DOCTYPE a><a y='1'/>",
        b"<a>" * 257 + b"</a>" * 257,
        "<a y='1'/>".encode("utf-16"),
        b"<?xml version='1.0' encoding='x'?><a y='1'/>",
        b"<a y='\xff'/>",
    ],
)
def test_damage_is_reported(packet: bytes) -> None:
    with pytest.raises(DamagedPacketError):
        edit_packet(packet, find_rule, lambda _: False)


def test_what_is_around_the_packet_stays() -> None:
    packet = b"\0\n<a:x xmlns:a='a:'><a:y/><a:bad/></a:x>\n\0\0"
    written = edit_packet(packet, find_rule, lambda _: False)
    assert written == packet.replace(b"<a:bad/>", b"")


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.sampled_from(["", "t"]),
        lambda inner: st.lists(
            st.tuples(
                st.sampled_from(["a:x", "a:bad", "a:twice", "g:y"]),
                st.sampled_from(["", " a:bad='1'", " g:z='2' a:y='3'"]),
                inner,
            ),
            max_size=3,
        ),
        max_leaves=12,
    )
)
def test_what_is_written_is_well_formed_and_stays_as_it_is(tree: object) -> None:
    def write(node: object) -> str:
        if isinstance(node, str):
            return node
        assert isinstance(node, list)
        return "".join(
            f"<{name}{attributes}>{write(inner)}</{name}>" for name, attributes, inner in node
        )

    packet = f"<a:x xmlns:a='a:' xmlns:g='gone:' a:k='1'>{write(tree)}</a:x>".encode()
    written = edit_packet(packet, find_rule, lambda uri: uri == "gone:")
    assert written is not None
    root = fromstring(written)
    names = {name for element in root.iter() for name in (element.tag, *element.attrib)}
    assert not any("bad" in name or "gone:" in name for name in names)


@pytest.mark.parametrize(
    "content",
    [
        b"<a:bad/>" * 100_000,
        b"<a:x" + b" " * 3_000_000 + b"/>",
        b"<a:bad>" * 200 + b" " * 3_000_000 + b"</a:bad>" * 200,
        b"<a:x" + b" " * 3_000_000 + b"a:bad='" + b"/" * 500_000 + b"'/>",
        b"<a:x" + b"".join(b" a:a%d='1'" % n for n in range(60_000)) + b"/>",
    ],
)
def test_megabytes_take_little_time(content: bytes) -> None:
    packet = b"<a:x xmlns:a='a:' a:k='1'>" + content + b"</a:x>"
    started = time.process_time()
    assert edit_packet(packet, find_rule, lambda _: False) is not None
    assert time.process_time() - started < 5
