import numpy as np
import pytest
from PIL import Image

from codec.jpeg.decode.coefficients import read_source
from codec.jpeg.decode.marker_segments import (
    SegmentReader,
    UnreadableSourceError,
    is_jfif,
    list_preamble,
    read_adobe_transform,
)
from tests.codec.edited_jpegs import (
    COLOUR,
    JFIF,
    find_segment,
    make_adobe,
    name_components,
    replace_jfif,
)
from tests.codec.jpegs import pillow_jpeg, shown_luma, shown_pixels
from tests.codec.pictures import scene

COMMENT = b"\xff\xfe\x00\x05abc"


def test_segments_have_their_payload_and_place() -> None:
    data = b"\xff\xd8" + COMMENT + b"\xff" + JFIF + b"\xff\xd9 more"
    reader = SegmentReader(data)
    comment, jfif = list(reader)
    assert (comment.marker, comment.payload) == (0xFE, b"abc")
    assert data[comment.start : comment.end] == COMMENT
    assert data[jfif.start : jfif.end] == JFIF  # behind a fill byte
    assert data[reader.at :] == b" more"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "SOI"),
        (b"\xff\xd8", "no marker"),
        (b"\xff\xd8" + COMMENT + b"\0\0", "no marker"),
        (b"\xff\xd8\xff\xd0\xff\xd9", "segment must begin"),
        (b"\xff\xd8\xff\xfe\x00\x09abc", "longer than the file"),
        (b"\xff\xd8\xff\xfe\x00\x01", "longer than the file"),
        (b"\xff\xd8" + b"\xff\xfe\x00\x02" * 5000 + COLOUR[2:], "too many"),
        (b"\xff\xd8" + b"\xff" * 5000 + COLOUR[2:], "too many"),
    ],
    ids=[
        *("empty", "SOI alone", "no marker", "a restart marker", "cut off", "a length of 1"),
        *("thousands of segments", "thousands of fill bytes"),
    ],
)
def test_malformed_sequences_of_segments_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(UnreadableSourceError, match=message):
        list(SegmentReader(data))


def test_jfif_counts_from_fourteen_bytes_on() -> None:
    (whole,) = SegmentReader(b"\xff\xd8" + JFIF + b"\xff\xd9")
    (short,) = SegmentReader(b"\xff\xd8\xff\xe0\x00\x0aJFIF\0\1\1\0\xff\xd9")
    assert is_jfif(whole)
    assert not is_jfif(short)


@pytest.mark.parametrize("transform", [0, 1, 2])
def test_adobes_transform_is_read(transform: int) -> None:
    (segment,) = SegmentReader(b"\xff\xd8" + make_adobe(transform) + b"\xff\xd9")
    assert read_adobe_transform(segment) == transform
    assert read_adobe_transform(find_segment(COLOUR, 0xE0)) is None


def test_the_preamble_ends_at_the_first_scan() -> None:
    markers = []
    for segment in SegmentReader(COLOUR):
        markers.append(segment)
        if segment.marker == 0xDA:
            break
    assert list_preamble(markers) == markers[:-1]


def test_metadata_is_stripped_and_colours_stay() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret"
    plain = pillow_jpeg(scene(30, 30))
    source = read_source(pillow_jpeg(scene(30, 30), exif=exif, comment=b"a secret"))
    assert source.stripped == plain
    adobe = replace_jfif(plain, make_adobe(1))
    assert read_source(adobe).stripped == adobe
    both = plain[:20] + make_adobe(1) + plain[20:]
    assert read_source(both).stripped == plain


def test_jfifs_thumbnail_is_stripped() -> None:
    plain = pillow_jpeg(scene(30, 30))
    thumbnail = plain[:2] + b"\xff\xe0\x00\x13JFIF\0\1\1\0\0\1\0\1\1\1abc" + plain[20:]
    assert np.array_equal(shown_luma(thumbnail), shown_luma(plain))
    stripped = read_source(thumbnail).stripped
    assert b"abc" not in stripped
    assert np.array_equal(shown_luma(stripped), shown_luma(plain))


def test_segments_behind_the_first_scan_do_not_change_the_colours() -> None:
    renamed = replace_jfif(name_components(COLOUR, b"RGB"), make_adobe(1))
    late = renamed[:-2] + JFIF + renamed[-2:]
    assert np.array_equal(shown_pixels(late), shown_pixels(COLOUR))
    assert read_source(late).stripped == renamed
