import pytest

from codec.jpeg.decode.coefficients import read_source
from codec.jpeg.decode.decoder import Decoder
from codec.jpeg.decode.marker_segments import Segment, SegmentReader, UnreadableSourceError
from tests.codec.edited_jpegs import (
    COLOUR,
    PROGRESSIVE,
    drop_last_scan,
    find_segment,
    replace_in_segment,
)
from tests.codec.jpegs import shown_pixels

SCAN = find_segment(COLOUR, 0xDA)


def list_parts(data: bytes) -> list[bytes]:
    """Return the segments of a file; a SOS has its scan with it."""
    starts = []
    reader = SegmentReader(data)
    decoder = Decoder(data)
    for segment in reader:
        starts.append(segment.start)
        reader.at = decoder.process(segment)
    ends = [*starts[1:], len(data) - 2]
    return [data[start:end] for start, end in zip(starts, ends, strict=True)]


def join(parts: list[bytes]) -> bytes:
    return b"\xff\xd8" + b"".join(parts) + b"\xff\xd9"


PARTS = list_parts(PROGRESSIVE)
SCANS = [i for i, part in enumerate(PARTS) if part[1] == 0xDA]


def move_first_ac_scan_to_the_front() -> bytes:
    dc = SCANS[0]
    ac = next(i for i in SCANS if PARTS[i][-1] and PARTS[i][5 + 2 * PARTS[i][4]] > 0)
    moved = PARTS[dc + 1 : ac + 1]  # with its tables
    return join([*PARTS[:dc], *moved, PARTS[dc], *PARTS[ac + 1 :]])


def refine_by_two_bits() -> bytes:
    """Let the first refining scan of luma announce both low bits (Ah 2, Al 0); drop the second."""
    header = b"\x01\x3f\x21"
    assert PROGRESSIVE.count(header) == 1
    return drop_last_scan(PROGRESSIVE.replace(header, b"\x01\x3f\x20"))


def test_parts_of_a_file_make_the_file() -> None:
    assert join(PARTS) == PROGRESSIVE
    assert len(SCANS) == 10


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (move_first_ac_scan_to_the_front(), "out of order"),
        (join([*PARTS, PARTS[SCANS[-1]]]), "out of order"),
        (join([*PARTS[: SCANS[-3]], *PARTS[SCANS[-3] + 1 :]]), "out of order|ends before"),
        (refine_by_two_bits(), "out of order"),
        (COLOUR[:-2] + COLOUR[SCAN.start :], "out of order"),
        (replace_in_segment(COLOUR, 0xDA, b"\x00\x3f\x00", b"\x00\x3f\x01"), "out of order"),
        (replace_in_segment(COLOUR, 0xDA, b"\x00\x3f\x00", b"\x00\x3e\x00"), "out of order"),
    ],
    ids=[
        "AC before DC",
        "a scan twice",
        "a bit skipped",
        "two bits at once",
        "baseline twice",
        "Al",
        "Se",
    ],
)
def test_scans_that_do_not_give_each_bit_once_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(UnreadableSourceError, match=message):
        read_source(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (join([PARTS[SCANS[0]]]), "before the frame"),
        (replace_in_segment(COLOUR, 0xDA, b"\x00\x0c\x03", b"\x00\x0c\x02"), "wrong length"),
        (replace_in_segment(COLOUR, 0xDA, b"\x03\x01\x00", b"\x03\x07\x00"), "unknown components"),
        (replace_in_segment(COLOUR, 0xDA, b"\x03\x01\x00", b"\x03\x01\x22"), "no Huffman table"),
        (replace_in_segment(COLOUR, 0xC0, b"\x01\x22\x00", b"\x01\x44\x00"), "4:2:0"),
        (replace_in_segment(COLOUR, 0xC0, b"\x00\x21\x00\x1f", b"\xff\x00\xff\x00"), "fewer bits"),
        (COLOUR[: SCAN.start] + PARTS[3] + COLOUR[SCAN.start :], "second frame|malformed"),
    ],
    ids=[
        *("no frame", "a count that differs", "unknown names", "no table", "sampling"),
        *("sides beyond the data", "a second frame"),
    ],
)
def test_files_whose_headers_disagree_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(UnreadableSourceError, match=message):
        read_source(data)


@pytest.mark.parametrize(
    ("marker", "payload", "message"),
    [
        (0xDB, b"\x00" + b"\x10" * 63, "DQT is malformed"),
        (0xDB, b"\x04" + b"\x10" * 64, "DQT is malformed"),
        (0xDB, b"\x00" + b"\x10" * 63 + b"\x00", "1..255"),
        (0xDB, b"\x10" + b"\x01\x00" * 64, "1..255"),
        (0xC4, b"\x00" + b"\x01" * 16, "DHT is malformed"),
        (0xC4, b"\x04" + bytes(16), "DHT is malformed"),
        (0xDD, b"\x00", "DRI"),
        (0xDC, b"\x00\x21", "marker DC"),
        (0xF0, bytes(4), "marker F0"),
        (0xC4, b"\x00\x02" + bytes(15) + b"\x00\x01", "too many codes"),
        (0xC4, b"\x00\x01" + bytes(15) + b"\x10", "DHT is malformed"),
    ],
    ids=[
        *("DQT cut off", "DQT of index 4", "a step of 0", "a step of 256"),
        *("DHT cut off", "DHT of index 4", "DRI of one byte", "DNL"),
        *("JPG0", "a code of all ones", "a DC symbol above 15"),
    ],
)
def test_malformed_segments_are_refused(marker: int, payload: bytes, message: str) -> None:
    with pytest.raises(UnreadableSourceError, match=message):
        Decoder(b"").process(Segment(marker, payload, 0, 0))


@pytest.mark.parametrize(
    "payload",
    [b"\x00\x02" + bytes(15) + b"\x00\x01", b"\x00\x01" + bytes(15) + b"\x10"],
    ids=["a code of all ones", "a DC symbol above 15"],
)
def test_huffman_tables_that_libjpeg_refuses_are_refused(payload: bytes) -> None:
    sos = COLOUR.index(b"\xff\xda")
    table = b"\xff\xc4" + (len(payload) + 2).to_bytes(2, "big") + payload
    with pytest.raises(OSError, match="broken data stream"):
        shown_pixels(COLOUR[:sos] + table + COLOUR[sos:])
    with pytest.raises(UnreadableSourceError):
        read_source(COLOUR[:sos] + table + COLOUR[sos:])


def test_a_frame_behind_a_marker_without_a_segment_is_not_found() -> None:
    # The header's reader takes F0 for a bare marker, and finds the frame in what another would skip.
    hidden = b"\xff\xf0\x00\x13" + COLOUR[COLOUR.index(b"\xff\xc0") :][:17]
    with pytest.raises(UnreadableSourceError, match="marker F0"):
        read_source(COLOUR[:2] + hidden + COLOUR[2:])


def test_steps_of_two_bytes_are_read() -> None:
    segment = find_segment(COLOUR, 0xDB)
    table = segment.payload[:65]
    wide = bytes((0x10 | table[0],)) + b"".join(bytes((0, step)) for step in table[1:])
    payload = wide + segment.payload[65:]
    new = b"\xff\xdb" + (len(payload) + 2).to_bytes(2, "big") + payload
    source = read_source(COLOUR[: segment.start] + new + COLOUR[segment.end :])
    assert source.quant_tables[0].tolist() == list(table[1:])


def test_more_than_64_scans_are_refused() -> None:
    decoder = Decoder(PROGRESSIVE)
    scan = Segment(0xDA, b"", 0, 0)
    for segment in SegmentReader(PROGRESSIVE):
        if segment.marker == 0xDA:
            break
        decoder.process(segment)
    messages = []
    for _ in range(65):
        with pytest.raises(UnreadableSourceError) as caught:
            decoder.process(scan)
        messages.append(str(caught.value))
    assert "too many" in messages[-1]
    assert "too many" not in messages[-2]


def test_a_baseline_file_is_complete_after_its_scan() -> None:
    decoder = Decoder(COLOUR)
    reader = SegmentReader(COLOUR)
    for segment in reader:
        assert not decoder.is_complete
        reader.at = decoder.process(segment)
    assert decoder.is_complete
    assert decoder.frame is not None
    assert [plane.shape for plane in decoder.planes] == [
        (component.padded_rows, component.padded_columns, 64)
        for component in decoder.frame.components
    ]
