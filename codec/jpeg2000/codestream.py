"""Marker segments of a codestream (ISO/IEC 15444-1 Annex A): reads OpenJPEG's, writes ours."""

import struct
from dataclasses import dataclass
from typing import Final

from codec.jpeg2000.packet_reader import UnexpectedCodestreamError

SOC: Final = 0xFF4F
SOT: Final = 0xFF90
SOD: Final = 0xFF93
EOC: Final = 0xFFD9
SIZ: Final = 0xFF51
COD: Final = 0xFF52
QCD: Final = 0xFF5C
COM: Final = 0xFF64
_SOT_BYTES: Final = 10
_LRCP: Final = 0
_LARGEST_PRECINCTS: Final = 0
"""Coding style (Table A.13) without precincts of other sizes, SOP and EPH."""
_ONE_CODEWORD: Final = 0
"""Code-block style (Table A.19) in which only the last pass ends a codeword."""


@dataclass(frozen=True)
class Header:
    """What a main header says, with its segments as they are."""

    size: tuple[int, int]
    """Width and height in pixels."""
    components: int
    layers: int
    levels: int
    """Levels of decomposition."""
    block: tuple[int, int]
    """Logarithms of the width and height of code-blocks."""
    siz: bytes
    cod: bytes
    qcd: bytes
    start: int
    """Where the packets start."""


def read_header(data: bytes) -> Header:
    """Return the header of a codestream of one tile in one part.

    Raises:
        UnexpectedCodestreamError: it is not as this module and `packet_reader` expect.
    """
    try:
        return _read_header(data)
    except struct.error as error:
        raise UnexpectedCodestreamError(f"OpenJPEG's codestream can't be read: {error}") from error


def _read_header(data: bytes) -> Header:
    (marker,) = struct.unpack_from(">H", data)
    _expect("SOC", marker, SOC)
    segments: dict[int, bytes] = {}
    position = 2
    while True:
        marker, length = struct.unpack_from(">HH", data, position)
        if marker == SOT:
            break
        if marker not in {SIZ, COD, QCD, COM} or length < 2:
            raise UnexpectedCodestreamError(f"unexpected marker {marker:04X} from OpenJPEG")
        segments[marker] = data[position + 4 : position + 2 + length]
        position += 2 + length
    if not segments.keys() >= {SIZ, COD, QCD}:
        raise UnexpectedCodestreamError("OpenJPEG's codestream lacks SIZ, COD or QCD")
    _, tile, part_bytes, part, _ = struct.unpack_from(">HHIBB", data, position + 2)
    _expect("tile", (tile, part), (0, 0))
    _expect("tile-part's bytes", part_bytes, len(data) - position - 2)
    _expect("SOD", struct.unpack_from(">H", data, position + 2 + _SOT_BYTES), (SOD,))
    _expect("EOC", struct.unpack_from(">H", data, len(data) - 2), (EOC,))
    siz, cod = segments[SIZ], segments[COD]
    _, width, height, left, top, *tiles, components = struct.unpack_from(">H8IH", siz)
    _expect("image's offset", (left, top), (0, 0))
    _expect("tile", tiles, [width, height, 0, 0])
    style, order, layers, _, levels, across, down, block_style, _ = struct.unpack_from(
        ">BBHBBBBBB", cod
    )
    _expect("coding style", style, _LARGEST_PRECINCTS)
    _expect("progression order", order, _LRCP)
    _expect("code-block style", block_style, _ONE_CODEWORD)
    return Header(
        size=(width, height),
        components=components,
        layers=layers,
        levels=levels,
        block=(across + 2, down + 2),
        siz=siz,
        cod=cod,
        qcd=segments[QCD],
        start=position + 4 + _SOT_BYTES,
    )


def _expect(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise UnexpectedCodestreamError(
            f"OpenJPEG's codestream has an unexpected {what}: {found}, not {expected}"
        )


def write_codestream(header: Header, layers: int, packets: bytes) -> bytes:
    """Return a codestream with other packets, in `layers` layers."""
    cod = header.cod[:2] + struct.pack(">H", layers) + header.cod[4:]
    return b"".join(
        [
            struct.pack(">H", SOC),
            *(
                struct.pack(">HH", marker, 2 + len(content)) + content
                for marker, content in ((SIZ, header.siz), (COD, cod), (QCD, header.qcd))
            ),
            struct.pack(">HHHIBB", SOT, _SOT_BYTES, 0, _SOT_BYTES + 4 + len(packets), 0, 1),
            struct.pack(">H", SOD),
            packets,
            struct.pack(">H", EOC),
        ]
    )


def count_header(header: Header) -> int:
    """Return the bytes of a codestream without its packets."""
    return len(write_codestream(header, 1, b""))
