"""Coefficients are read as plain decoders read them; what isn't sound is refused, whatever it is."""

import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from codec.jpeg.decode.coefficients import Source, read_source
from codec.jpeg.decode.marker_segments import Segment, SegmentReader, UnreadableSourceError
from codec.jpeg.encode import encode
from codec.jpeg.syntax.component import Component
from codec.jpeg.syntax.huffman import build_table
from codec.jpeg.transcode.lossless import rewrite
from codec.jpeg.write.baseline_scan import write_scan
from codec.jpeg.write.marker_segments import write_huffman_tables, write_scan_header
from codec.settings import EncodeSettings
from tests.codec import plain_jpeg
from tests.codec.jpegs import pillow_jpeg, restored_luma, shown_luma, shown_pixels
from tests.codec.pictures import noise, scene
from tests.codec.plain_progressive import decode_progressive

ROOT = Path(__file__).parents[4]
HOSTILE = Path(os.environ.get("FOVEATE_DATA") or ROOT.parent / "shared" / "data") / "hostile"
SIZES = [(1, 1), (7, 9), (17, 33), (40, 57), (64, 16)]
SUBSAMPLINGS = ["4:4:4", "4:2:2", "4:2:0"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("subsampling", [*SUBSAMPLINGS, "grey"])
@pytest.mark.parametrize("progressive", [False, True])
def test_coefficients_and_tables_are_those_of_a_plain_decoder(
    size: tuple[int, int], subsampling: str, progressive: bool
) -> None:
    image = scene(*size)
    options = {"subsampling": subsampling} if subsampling != "grey" else {}
    image = image if options else image[..., 0]
    data = pillow_jpeg(image, quality=85, progressive=progressive, **options)
    plain = decode_progressive(data) if progressive else plain_jpeg.decode(data)
    source = read_source(data)
    assert (source.height, source.width) == size
    assert source.is_progressive == progressive
    luma = plain.components[0]
    assert (source.horizontal, source.vertical) == (luma.horizontal, luma.vertical)
    assert len(source.qcoefs) == len(plain.components)
    for component, qcoefs in zip(plain.components, source.qcoefs, strict=True):
        assert np.array_equal(qcoefs, component.qcoefs())
    for i, table in enumerate(source.quant_tables):
        assert table.tolist() == plain.quant_tables[plain.components[i].quant_index]
    assert source.stripped == data


def test_our_own_progressive_files_are_read() -> None:
    layouts = set()
    for quality in (50, 95):
        for image in (scene(120, 161), scene(120, 161)[..., 0]):
            options = EncodeSettings(quality=quality, subsampling="420", progressive=True)
            data = encode(image, None, options).jpeg
            plain, source = decode_progressive(data), read_source(data)
            layouts |= {tuple(scan.components) for scan in plain.scans if scan.last == 0}
            for component, qcoefs in zip(plain.components, source.qcoefs, strict=True):
                assert np.array_equal(qcoefs, component.qcoefs())
    assert layouts == {(0,), (1, 2), (0, 1, 2)}


@pytest.mark.parametrize("quality", [5, 50, 95, 100])
@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
def test_samples_are_within_one_of_libjpegs(quality: int, subsampling: str) -> None:
    for image in (scene(61, 83), noise(61, 83)):
        data = pillow_jpeg(image, quality=quality, subsampling=subsampling)
        assert np.abs(restored_luma(read_source(data)) - shown_luma(data)).max() <= 1


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("interval", [{"restart_marker_blocks": 1}, {"restart_marker_rows": 1}])
def test_restart_intervals_change_nothing(progressive: bool, interval: dict[str, int]) -> None:
    # More than eight of them, so that their numbers begin again.
    options: dict[str, Any] = {"quality": 80, "progressive": progressive, "subsampling": "4:2:0"}
    cut = read_source(pillow_jpeg(scene(170, 41), **options, **interval))
    whole = read_source(pillow_jpeg(scene(170, 41), **options))
    for first, second in zip(cut.qcoefs, whole.qcoefs, strict=True):
        assert np.array_equal(first, second)


def alone(data: bytes) -> bytes:
    """Return a baseline file with each component in a scan of its own, as T.81 A.2.2 orders blocks."""
    source = read_source(data)
    parts = []
    for segment in SegmentReader(data):
        if segment.marker == 0xDA:
            break
        if segment.marker != 0xC4:
            parts.append(data[segment.start : segment.end])
    ac = build_table(np.ones(256, np.int64))
    dc = build_table((np.arange(256) < 12).astype(np.int64))
    none = np.zeros((0, 0), np.float32)
    for i, qcoefs in enumerate(source.qcoefs):
        across, down = (1, 1) if i == 0 else (source.horizontal, source.vertical)
        rows, columns = -(-source.height // (8 * down)), -(-source.width // (8 * across))
        real = np.ascontiguousarray(qcoefs[:rows, :columns])
        component = Component(0, 1, 1, rows, columns, none, none, none, none)
        scan = write_scan([component], [real], [dc], [ac], 32 * real.size)
        parts += [write_huffman_tables([dc], [ac]), write_scan_header([(i, 0, 0)]), scan]
    return b"".join([b"\xff\xd8", *parts, b"\xff\xd9"])


@pytest.mark.parametrize("subsampling", SUBSAMPLINGS)
@pytest.mark.parametrize("size", SIZES)
def test_scans_of_one_component_hold_its_real_blocks(
    size: tuple[int, int], subsampling: str
) -> None:
    data = pillow_jpeg(scene(*size), quality=80, subsampling=subsampling)
    apart, together = read_source(alone(data)), read_source(data)
    assert np.abs(restored_luma(apart) - shown_luma(alone(data))).max() <= 1
    for i, (first, second) in enumerate(zip(apart.qcoefs, together.qcoefs, strict=True)):
        across, down = (1, 1) if i == 0 else (apart.horizontal, apart.vertical)
        rows, columns = -(-size[0] // (8 * down)), -(-size[1] // (8 * across))
        assert np.array_equal(first[:rows, :columns], second[:rows, :columns])


def find(data: bytes, marker: int) -> Segment:
    """Return the first segment with that marker."""
    return next(segment for segment in SegmentReader(data) if segment.marker == marker)


def with_sampling(data: bytes, *factors: int) -> bytes:
    """Return a baseline file with other sampling factors in its frame header."""
    frame = find(data, 0xC0)
    changed = bytearray(data)
    for i, factor in enumerate(factors):
        changed[frame.start + 11 + 3 * i] = factor
    return bytes(changed)


def test_larger_mcus_than_need_be_are_cut_to_size() -> None:
    data = alone(pillow_jpeg(scene(40, 57), quality=80, subsampling="4:4:4"))
    doubled = with_sampling(data, 0x22, 0x22, 0x22)
    assert shown_luma(doubled).shape == (40, 57)
    source = read_source(doubled)
    assert (source.horizontal, source.vertical) == (1, 1)
    for first, second in zip(source.qcoefs, read_source(data).qcoefs, strict=True):
        assert np.array_equal(first, second)


def test_a_strip_whose_mcus_are_mostly_padding_is_read() -> None:
    strip = np.full((40000, 6, 3), (200, 30, 90), np.uint8)
    settings = EncodeSettings(1, subsampling="420", progressive=True)
    source = read_source(encode(strip, None, settings).jpeg)
    assert (source.height, source.width) == (40000, 6)


@pytest.mark.parametrize(
    ("value", "fits"), [(1023, True), (1024, False), (-1024, True), (-1025, False)]
)
def test_dc_has_the_range_of_8_bit_samples(value: int, fits: bool) -> None:
    qcoefs = np.zeros((1, 1, 64), np.int16)
    qcoefs[..., 0] = value
    source = Source(
        *(8, 8, 1, 1, [qcoefs], [np.ones(64, np.uint16)]), is_progressive=False, stripped=b""
    )
    data = rewrite(source, progressive=False)
    if fits:
        assert read_source(data).qcoefs[0][0, 0, 0] == value
    else:
        # Two such blocks could differ by more than the 11 bits of the largest category.
        with pytest.raises(UnreadableSourceError):
            read_source(data)


def test_the_first_picture_ends_the_reading() -> None:
    data = pillow_jpeg(scene(20, 20))
    assert read_source(data + b"\xff\xd8 more").stripped == data


def adobe(transform: int) -> bytes:
    return b"\xff\xee\x00\x0eAdobe\0\x64\0\0\0\0" + bytes((transform,))


def without_jfif(data: bytes, *segments: bytes) -> bytes:
    assert data[2:4] == b"\xff\xe0"
    return b"".join([data[:2], *segments, data[20:]])


def test_metadata_is_stripped_and_colours_stay() -> None:
    exif = Image.Exif()
    exif[0x010E] = "a secret"
    plain = pillow_jpeg(scene(30, 30))
    source = read_source(pillow_jpeg(scene(30, 30), exif=exif, comment=b"a secret"))
    assert source.stripped == plain
    kept = without_jfif(plain, adobe(1))
    assert read_source(kept).stripped == kept
    thumbnail = plain[:2] + b"\xff\xe0\x00\x13JFIF\0\1\1\0\0\1\0\1\1\1abc" + plain[20:]
    assert np.array_equal(shown_luma(thumbnail), shown_luma(plain))
    assert b"abc" not in read_source(thumbnail).stripped
    assert np.array_equal(shown_luma(read_source(thumbnail).stripped), shown_luma(plain))


def test_colours_stay_whatever_follows_the_first_scan() -> None:
    renamed = without_jfif(named(b"RGB"), adobe(1))
    late = renamed[:-2] + JFIF + renamed[-2:]
    assert np.array_equal(shown_pixels(late), shown_pixels(COLOUR))
    assert read_source(late).stripped == renamed


def replaced(data: bytes, marker: int, old: bytes, new: bytes) -> bytes:
    segment = find(data, marker)
    assert old in data[segment.start : segment.end]
    changed = data[segment.start : segment.end].replace(old, new, 1)
    return data[: segment.start] + changed + data[segment.end :]


JFIF = b"\xff\xe0\x00\x10JFIF\0\1\1\0\0\1\0\1\0\0"
SHORT_JFIF = b"\xff\xe0\x00\x0aJFIF\0\1\1\0"
RGB = pillow_jpeg(scene(33, 31), keep_rgb=True, subsampling="4:4:4")
COLOUR = pillow_jpeg(scene(33, 31), quality=80)
PROGRESSIVE = pillow_jpeg(scene(33, 31), quality=80, progressive=True)
SCAN = find(COLOUR, 0xDA)


def named(identifiers: bytes) -> bytes:
    """Return COLOUR with other component identifiers."""
    changed = bytearray(COLOUR)
    frame, scan = find(COLOUR, 0xC0), find(COLOUR, 0xDA)
    for i, identifier in enumerate(identifiers):
        changed[frame.start + 10 + 3 * i] = changed[scan.start + 5 + 2 * i] = identifier
    return bytes(changed)


def unfinished(data: bytes) -> bytes:
    """Return a progressive file without its last scan."""
    starts = [i for i, (a, b) in enumerate(pairwise(data)) if (a, b) == (0xFF, 0xDA)]
    tables = data.rfind(b"\xff\xc4", 0, starts[-1])
    return data[:tables] + b"\xff\xd9"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff\xd9",
        COLOUR.replace(b"\xff\xc0", b"\xff\xc9", 1),
        COLOUR.replace(b"\xff\xc0", b"\xff\xc3", 1),
        replaced(COLOUR, 0xC0, b"\x00\x11\x08\x00", b"\x00\x11\x0c\x00"),
        replaced(COLOUR, 0xC0, b"\x00\x21\x00\x1f", b"\x00\x00\x00\x1f"),
        replaced(COLOUR, 0xC0, b"\x00\x21\x00\x1f", b"\xff\x00\xff\x00"),
        with_sampling(COLOUR, 0x31, 0x11, 0x11),
        with_sampling(COLOUR, 0x41, 0x11, 0x11),
        with_sampling(COLOUR, 0x22, 0x21, 0x11),
        with_sampling(COLOUR, 0x02, 0x11, 0x11),
        without_jfif(COLOUR, adobe(0)),
        without_jfif(named(b"RGB")),
        RGB[:2] + SHORT_JFIF + RGB[2:],
        RGB[:-2] + JFIF + RGB[-2:],
        pillow_jpeg(scene(16, 16)[..., [0, 1, 2, 0]], mode="CMYK"),
        COLOUR[: SCAN.end] + COLOUR[SCAN.end + 40 :],
        COLOUR[:-2],
        COLOUR[:-40] + COLOUR[-2:],
        COLOUR[:-2] + b"\0\0" + COLOUR[-2:],
        COLOUR[:-2] + b"\xff\xd0" + COLOUR[-2:],
        unfinished(PROGRESSIVE),
        COLOUR[:-2] + COLOUR[SCAN.start :],
        b"\xff\xd8" + b"\xff\xfe\x00\x02" * 5000 + COLOUR[2:],
        b"\xff\xd8" + b"\xff" * 5000 + COLOUR[2:],
    ],
    ids=[
        *("empty", "SOI alone", "no frame", "arithmetic", "lossless", "12 bits", "height by DNL"),
        *("sides beyond the data", "3x1", "4:1:1", "chroma that differs", "factor of 0"),
        *("Adobe RGB", "RGB by its names", "RGB, JFIF cut short", "RGB, JFIF too late"),
        *("four components", "cut inside", "no EOI", "cut off"),
        *("bytes left over", "a restart too many", "unfinished", "a scan twice"),
        *("thousands of segments", "thousands of fill bytes"),
    ],
)
def test_what_is_not_read_here_is_refused(data: bytes) -> None:
    with pytest.raises(UnreadableSourceError):
        read_source(data)


@pytest.mark.parametrize("data", [COLOUR, PROGRESSIVE], ids=["baseline", "progressive"])
def test_no_part_of_a_file_is_taken_for_the_whole(data: bytes) -> None:
    for length in range(0, len(data), 7):
        with pytest.raises(UnreadableSourceError):
            read_source(data[:length])


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damage_is_refused_or_read_and_nothing_else(data: st.DataObject) -> None:
    file = bytearray(data.draw(st.sampled_from([COLOUR, PROGRESSIVE])))
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(file) - 1))
        if data.draw(st.booleans()):
            file[at] = data.draw(st.integers(0, 255))
        else:
            del file[at : at + data.draw(st.integers(1, 30))]
    try:
        source = read_source(bytes(file))
    except UnreadableSourceError:
        return
    assert all(np.abs(plane[..., 0]).max() <= 1024 for plane in source.qcoefs)
    assert all(np.abs(plane[..., 1:]).max() <= 1023 for plane in source.qcoefs)


READ_ALL = """
import sys
from pathlib import Path
from codec.jpeg.decode.marker_segments import UnreadableSourceError
from codec.settings import EncodeSettings
from codec.jpeg.decode.coefficients import read_source
read = 0
for path in sorted(Path(sys.argv[1]).rglob("*")):
    if path.is_file():
        try:
            read_source(path.read_bytes())
            read += 1
        except UnreadableSourceError:
            pass
print(read)
"""


@pytest.mark.data
@pytest.mark.skipif(not HOSTILE.is_dir(), reason="no hostile files under FOVEATE_DATA")
def test_hostile_files_neither_crash_nor_hang() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", READ_ALL, HOSTILE],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert int(ended.stdout) >= 50
