"""Edits properties of an XMP packet in its text, so that all else stays byte for byte (ISO 16684-1)."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat  # nosec B405
from xml.sax.saxutils import quoteattr  # nosec B406

# What a property becomes, by its text; None: the property goes.
Rule = Callable[[str], str | None]
# The rule for a property, by namespace, name, and the names of the elements around it.
FindRule = Callable[[str, str, list[str]], Rule | None]

RDF: Final = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
# Names of these say nothing of a photo: RDF, the packet's root, xml:lang.
FRAME: Final = frozenset({RDF, "adobe:ns:meta/", "http://www.w3.org/XML/1998/namespace"})
PADDING: Final = b"\0 \t\r\n"
# They are applied to well-formed tags only.
START_TAG: Final = re.compile(rb"<[^\s/>]+((?:[^\"'/>]++|\"[^\"]*+\"|'[^']*+')*+)(/?)>")
ATTRIBUTE: Final = re.compile(rb"\s++([^\s=]++)\s*+=\s*+(\"[^\"]*+\"|'[^']*+')")
# So many elements may lie in each other.
MOST_LEVELS: Final = 256


class DamagedPacketError(ValueError):
    """A packet that is not well-formed, has a document type or is not in an extension of ASCII."""


def drop(_text: str) -> None:
    """Be the rule for properties that go whatever their text is."""


@dataclass(slots=True)
class _Element:
    name: str
    start: int
    content: int
    is_empty: bool
    rule: Rule | None
    has_children: bool = False
    texts: list[str] = field(default_factory=list)


def edit_packet(
    packet: bytes, find_rule: FindRule, dropped_namespaces: Callable[[str], bool]
) -> bytes | None:
    """Return ``packet`` with what the rules make of its properties; None if no property remains.

    Declarations of ``dropped_namespaces`` are removed, too: programs look for them.

    Raises:
        DamagedPacketError: when the packet can't be parsed. A document type counts as damage: its
            entities could expand without limit, and valid XMP has none.
    """
    text = packet.strip(PADDING)
    editor = _Editor(text, find_rule, dropped_namespaces)
    try:
        editor.parse()
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise DamagedPacketError("not well-formed") from error
    if not editor.properties:
        return None
    if not editor.edits:
        return packet
    start = packet.index(text)
    return packet[:start] + editor.apply() + packet[start + len(text) :]


class _Editor:
    """Parses a packet and collects edits of its text."""

    def __init__(
        self, text: bytes, find_rule: FindRule, dropped_namespaces: Callable[[str], bool]
    ) -> None:
        self._text = text
        self._find_rule = find_rule
        self._drops_namespace = dropped_namespaces
        self._open: list[_Element] = []
        self._names: list[str] = []
        # The level of the element that is dropped with all in it.
        self._dropped_level: int | None = None
        self._parser = parser = expat.ParserCreate(namespace_separator=" ")
        parser.ordered_attributes = True
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._add_text
        parser.StartDoctypeDeclHandler = self._refuse
        self.properties = 0
        """Properties that remain."""
        self.edits: list[tuple[int, int, bytes]] = []
        """Start, end and replacement."""

    def parse(self) -> None:
        self._parser.Parse(self._text, True)  # noqa: FBT003

    def apply(self) -> bytes:
        """Return the text with all edits; those within another one are part of it."""
        parts: list[bytes] = []
        at = 0
        for start, end, replacement in sorted(self.edits):
            if start >= at:
                parts += [self._text[at:start], replacement]
                at = end
        return b"".join([*parts, self._text[at:]])

    def _refuse(self, *_: object) -> None:
        raise DamagedPacketError("a document type")

    def _add_text(self, text: str) -> None:
        if self._open and self._open[-1].rule is not None:
            self._open[-1].texts.append(text)

    def _start(self, name: str, attributes: list[str]) -> None:
        start = self._parser.CurrentByteIndex
        tag = START_TAG.match(self._text, start)
        if tag is None or len(self._open) == MOST_LEVELS:
            raise DamagedPacketError("a tag can't be read")
        namespace, _, local = name.rpartition(" ")
        if self._open:
            self._open[-1].has_children = True
        element = _Element(local, start, tag.end(), bool(tag[2]), None)
        self._open.append(element)
        self._names.append(local)
        if self._dropped_level is not None:
            return
        if namespace not in FRAME:
            element.rule = self._find_rule(namespace, local, self._names[:-1])
            self.properties += 1
            if element.rule is drop:
                self._dropped_level = len(self._open)
                return
        self._read_attributes(tag, attributes)

    def _read_attributes(self, tag: re.Match[bytes], attributes: list[str]) -> None:
        names = iter(zip(attributes[::2], attributes[1::2], strict=True))
        at = tag.start(1)
        while found := ATTRIBUTE.match(self._text, at, tag.end(1)):
            at = found.end()
            if found[1] == b"xmlns" or found[1].startswith(b"xmlns:"):
                if self._drops_namespace(found[2][1:-1].decode("latin-1")):
                    self.edits.append((*found.span(), b""))
                continue
            name, value = next(names, ("", ""))
            namespace, _, local = name.rpartition(" ")
            if not namespace or namespace in FRAME:
                continue
            self.properties += 1
            rule = self._find_rule(namespace, local, self._names)
            replacement = value if rule is None else rule(value)
            if replacement is None:
                self.properties -= 1
                self.edits.append((*found.span(), b""))
            elif replacement != value:
                self.edits.append((*found.span(2), quoteattr(replacement).encode()))

    def _end(self, _name: str) -> None:
        element = self._open.pop()
        self._names.pop()
        if self._dropped_level is not None and len(self._open) >= self._dropped_level:
            return
        self._dropped_level = None
        if element.rule is None:
            return
        content_end = end = self._parser.CurrentByteIndex
        if element.is_empty:
            content_end = end = element.content
        else:
            end = self._text.index(b">", content_end) + 1
        value = "".join(element.texts)
        is_simple = not (element.has_children or element.is_empty)
        replacement = element.rule(value) if is_simple else None
        if replacement is None:
            self.properties -= 1
            start = element.start
            while self._text[start - 1] in PADDING:
                start -= 1
            self.edits.append((start, end, b""))
        elif replacement != value:
            self.edits.append((element.content, content_end, quoteattr(replacement)[1:-1].encode()))
