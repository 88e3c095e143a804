"""Strips and tiles are found where they are, and the work for them is limited."""

import pytest

from contract.errors import CorruptImageError
from tests.worker.image.formats.tiff.tiff_files import LONG8, SHORT, Value, make_tiff, shape_tags
from worker.image.formats.tiff.directory import Directory
from worker.image.formats.tiff.header import read_layout
from worker.image.formats.tiff.positions import MAX_SEGMENTS, Segment, find_segments

STRIPS = [b"a" * 40, b"b" * 30, b"c" * 20]
TAGS = shape_tags(10, 10) | {278: 4}


def segments_of(
    tags: dict[int, Value], strips: list[bytes] = STRIPS, **options: bool
) -> list[Segment]:
    directory = Directory(make_tiff(strips, tags, **options))
    return find_segments(directory, read_layout(directory))


@pytest.mark.parametrize("kind", [SHORT, 4, LONG8])
def test_strips_follow_each_other(kind: int) -> None:
    expected = [Segment(0, 0, 0, 8, 40), Segment(0, 4, 0, 48, 30), Segment(0, 8, 0, 78, 20)]
    assert segments_of(TAGS) == expected
    positions: dict[int, Value] = {273: (kind, [8, 48, 78]), 279: (kind, [40, 30, 20])}
    assert segments_of(TAGS | positions) == expected


@pytest.mark.parametrize("counts", [[0, 0, 0], [0], [40, 0, 0]])
def test_missing_byte_counts_reach_to_the_next_strip(counts: list[int]) -> None:
    segments = segments_of(TAGS | {279: counts, 700: 0})
    assert [segment.byte_count for segment in segments][:2] == [40, 30]
    assert segments[2].byte_count >= 20


def test_tiles_go_by_rows() -> None:
    segments = segments_of(shape_tags(40, 20) | {322: 32, 323: 16}, [b"x" * 512] * 4)
    assert [(s.row, s.column) for s in segments] == [(0, 0), (0, 32), (16, 0), (16, 32)]


def test_planes_that_are_not_read_are_left_out() -> None:
    tags = shape_tags(10, 4, samples=5, photometric=2) | {284: 2}
    segments = segments_of(tags, [bytes(40)] * 5)
    assert [s.plane for s in segments] == [0, 1, 2]
    segments = segments_of(tags | {338: (SHORT, [0, 2])}, [bytes(40)] * 5)
    assert [s.plane for s in segments] == [0, 1, 2, 4]


def test_a_probable_alpha_that_was_never_written_is_left_out() -> None:
    tags = shape_tags(10, 4, samples=2) | {284: 2, 279: [40, 0]}
    assert len(segments_of(tags | {273: [8, 0]}, [bytes(40)])) == 1
    assert len(segments_of(tags | {273: [8, 8]}, [bytes(40)])) == 2
    assert len(segments_of(tags | {273: [8, 0], 338: (SHORT, [2])}, [bytes(40)])) == 2


def test_too_few_strips_are_damage() -> None:
    with pytest.raises(CorruptImageError, match="too few"):
        segments_of(TAGS, STRIPS[:2])


def test_the_number_of_strips_is_limited() -> None:
    tags = shape_tags(600, 600) | {322: 1, 323: 1}
    assert MAX_SEGMENTS < 600 * 600
    with pytest.raises(CorruptImageError, match="too many"):
        segments_of(tags)


def test_the_padding_of_tiles_is_limited() -> None:
    # Each tile is small enough, but there are 200 of them for one row.
    with pytest.raises(CorruptImageError, match="larger than the image"):
        segments_of(shape_tags(3200, 1) | {322: 16, 323: 1 << 19}, [b""] * 200)


def test_strips_of_the_same_bytes_are_limited() -> None:
    tags = shape_tags(10, 1000) | {278: 1, 259: 32773}
    few = {273: [8] * 1000, 279: [50_000] * 1000}
    with pytest.raises(CorruptImageError, match="the same bytes"):
        segments_of(tags | few, [bytes(50_000)])
    # Empty tiles often are the same bytes.
    assert len(segments_of(tags | {273: [8] * 1000, 279: [50] * 1000}, [bytes(50)])) == 1000


def test_positions_outside_of_the_file_are_clipped() -> None:
    data_bytes = len(make_tiff(STRIPS, TAGS | {273: (LONG8, [2**63, 48, 78])}))
    segments = segments_of(TAGS | {273: (LONG8, [2**63, 48, 78]), 279: [2**32 - 1, 30, 20]})
    assert segments[0].offset == data_bytes
    assert segments[0].byte_count == data_bytes


@pytest.mark.parametrize(("compression", "bits"), [(7, 8), (4, 1)])
def test_a_decoder_for_each_pixel_is_refused(compression: int, bits: int) -> None:
    tags = shape_tags(1, 65_000, bits=bits) | {278: 1, 259: compression}
    tags |= {273: [8] * 65_000, 279: [30] * 65_000}
    with pytest.raises(CorruptImageError, match="the same bytes"):
        segments_of(tags, [bytes(30)])


def test_tables_of_jpegs_count_for_each_of_them() -> None:
    tags = shape_tags(10, 400) | {278: 1, 259: 7, 273: [8] * 400, 279: [30] * 400}
    assert len(segments_of(tags | {347: bytes(600)}, [bytes(30)])) == 400
    with pytest.raises(CorruptImageError, match="the same bytes"):
        segments_of(tags | {347: bytes(64_000)}, [bytes(30)])
