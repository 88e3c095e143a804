"""OpenJPEG's header is read; what the reader does not expect is an error, never a wrong picture."""

import struct

import numpy as np
import pytest

from codec.jpeg2000.codestream import EOC, SOC, read_header, write_codestream
from codec.jpeg2000.layered import run_openjpeg
from codec.jpeg2000.packet_reader import UnexpectedCodestreamError
from tests.codec.pictures import scene


@pytest.fixture(scope="module")
def written() -> bytes:
    return run_openjpeg(scene(70, 90), [30.0, 0.0])


def test_the_header_is_read(written: bytes) -> None:
    header = read_header(written)
    assert (header.size, header.components) == ((90, 70), 3)
    assert (header.layers, header.levels, header.block) == (2, 5, (5, 5))
    assert written[header.start - 2 : header.start] == b"\xff\x93"


def test_written_packets_are_read_again(written: bytes) -> None:
    header = read_header(written)
    copied = write_codestream(header, 7, written[header.start : -2])
    again = read_header(copied)
    assert again.layers == 7
    assert copied[again.start :] == written[header.start :]
    assert copied[:2] == struct.pack(">H", SOC)
    assert copied[-2:] == struct.pack(">H", EOC)


def test_a_grey_image_has_one_component() -> None:
    assert read_header(run_openjpeg(scene(70, 90)[..., 0], [0.0])).components == 1


# Offsets into the segments of a codestream that starts with SOC and SIZ.
@pytest.mark.parametrize(
    ("offset", "value", "reason"),
    [
        (0, 0, "SOC"),
        (2, 0, "unexpected marker"),
        (19, 1, "image's offset"),
        (27, 1, "tile"),
        (-1, 0xD8, "EOC"),
    ],
)
def test_another_header_is_refused(written: bytes, offset: int, value: int, reason: str) -> None:
    changed = bytearray(written)
    changed[offset] = value
    with pytest.raises(UnexpectedCodestreamError, match=reason):
        read_header(bytes(changed))


@pytest.mark.parametrize(
    ("offset", "value", "reason"),
    [
        (0, 1, "coding style"),
        (1, 2, "progression order"),
        (8, 4, "code-block style"),
    ],
)
def test_another_coding_style_is_refused(
    written: bytes, offset: int, value: int, reason: str
) -> None:
    changed = bytearray(written)
    changed[written.index(b"\xff\x52") + 4 + offset] = value
    with pytest.raises(UnexpectedCodestreamError, match=reason):
        read_header(bytes(changed))


def test_no_cut_file_is_read(written: bytes) -> None:
    for length in range(len(written)):
        if length < 200 or length % 50 == 0:
            with pytest.raises(UnexpectedCodestreamError):
                read_header(written[:length])


def test_a_second_tile_part_is_refused(written: bytes) -> None:
    changed = bytearray(written)
    position = written.index(b"\xff\x90")
    changed[position + 6 : position + 10] = struct.pack(">I", 20)
    with pytest.raises(UnexpectedCodestreamError, match="tile-part"):
        read_header(bytes(changed))


def test_random_bytes_are_refused() -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        with pytest.raises(UnexpectedCodestreamError):
            read_header(b"\xff\x4f" + rng.bytes(100))
