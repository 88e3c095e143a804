import pytest

from codec.jpeg.decode.frame_header import read_frame
from codec.jpeg.decode.marker_segments import Segment, UnreadableSourceError


def make_frame(
    *factors: int,
    marker: int = 0xC0,
    precision: int = 8,
    size: tuple[int, int] = (33, 31),
    identifiers: bytes = b"\1\2\3\4",
    table: int = 0,
) -> Segment:
    """Return a SOF segment; `factors` are bytes of both sampling factors, `size` is (height, width)."""
    payload = bytes((precision,)) + b"".join(side.to_bytes(2, "big") for side in size)
    payload += bytes((len(factors),))
    for identifier, factor in zip(identifiers, factors, strict=False):
        payload += bytes((identifier, factor, table))
    return Segment(marker, payload, 0, 0)


def test_blocks_follow_from_size_and_sampling() -> None:
    frame = read_frame(make_frame(0x22, 0x11, 0x11))
    assert (frame.height, frame.width, frame.sampling) == (33, 31, (2, 2))
    assert (frame.mcu_rows, frame.mcu_columns) == (3, 2)
    luma, cb, cr = frame.components
    assert (luma.rows, luma.columns) == (5, 4)
    assert (luma.padded_rows, luma.padded_columns) == (6, 4)
    assert (cb.rows, cb.columns) == (cr.padded_rows, cr.padded_columns) == (3, 2)


@pytest.mark.parametrize(
    ("factors", "sampling"),
    [
        ((0x11, 0x11, 0x11), (1, 1)),
        ((0x22, 0x22, 0x22), (1, 1)),
        ((0x21, 0x11, 0x11), (2, 1)),
        ((0x12, 0x11, 0x11), (1, 2)),
        ((0x42, 0x21, 0x21), (2, 2)),
    ],
)
def test_sampling_is_the_ratio_of_the_factors(
    factors: tuple[int, ...], sampling: tuple[int, int]
) -> None:
    assert read_frame(make_frame(*factors)).sampling == sampling


def test_sampling_factors_of_one_component_are_ignored() -> None:
    frame = read_frame(make_frame(0x22))
    assert (frame.mcu_rows, frame.mcu_columns) == (5, 4)
    assert frame.sampling == (1, 1)


@pytest.mark.parametrize(("marker", "progressive"), [(0xC0, False), (0xC1, False), (0xC2, True)])
def test_baseline_extended_and_progressive_frames_are_read(
    marker: int, *, progressive: bool
) -> None:
    assert read_frame(make_frame(0x11, marker=marker)).is_progressive == progressive


@pytest.mark.parametrize("factors", [(0x31,), (0x41,), (0x22, 0x21)], ids=["3x1", "4x1", "uneven"])
def test_other_samplings_are_refused(factors: tuple[int, ...]) -> None:
    chroma = (*factors[1:], 0x11, 0x11)[:2]
    frame = read_frame(make_frame(factors[0], *chroma))
    with pytest.raises(UnreadableSourceError, match="4:2:0"):
        _ = frame.sampling


@pytest.mark.parametrize("count", [2, 4])
def test_two_and_four_components_have_no_sampling_of_chroma(count: int) -> None:
    frame = read_frame(make_frame(*[0x11] * count))
    assert len(frame.components) == count
    with pytest.raises(UnreadableSourceError, match="number of components"):
        _ = frame.sampling


def test_blocks_of_fractional_samplings_are_rounded_up() -> None:
    frame = read_frame(make_frame(0x31, 0x22, 0x11))
    sizes = [(c.rows, c.columns, c.padded_rows, c.padded_columns) for c in frame.components]
    assert sizes == [(3, 4, 3, 6), (5, 3, 6, 4), (3, 2, 3, 2)]


@pytest.mark.parametrize(
    ("segment", "message"),
    [
        (make_frame(0x11, marker=0xC3), "coding process"),
        (make_frame(0x11, marker=0xC9), "coding process"),
        (make_frame(0x11, precision=12), "precision"),
        (make_frame(*[0x11] * 5, identifiers=b"\1\2\3\4\5"), "number of components"),
        (make_frame(0x11, size=(0, 31)), "size"),
        (make_frame(0x11, size=(33, 0)), "size"),
        (make_frame(0x02, 0x11, 0x11), "1..4"),
        (make_frame(0x51, 0x11, 0x11), "1..4"),
        (make_frame(0x11, 0x11, 0x11, identifiers=b"\1\2\2"), "identifier"),
        (make_frame(0x11, table=4), "table"),
        (Segment(0xC0, b"\x08\0\x21\0", 0, 0), "length"),
        (Segment(0xC0, make_frame(0x11).payload + b"\0", 0, 0), "length"),
    ],
    ids=[
        *("lossless", "arithmetic", "12 bits", "five components"),
        *("height by DNL", "no width", "a factor of 0", "a factor of 5", "a name twice"),
        *("table 4", "cut off", "too long"),
    ],
)
def test_other_frames_are_refused(segment: Segment, message: str) -> None:
    with pytest.raises(UnreadableSourceError, match=message):
        read_frame(segment)
