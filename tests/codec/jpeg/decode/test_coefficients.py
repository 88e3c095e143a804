"""Whole files against decoders of others; damaged and unsupported files are refused."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codec.jpeg.decode.coefficients import is_complete, read_source
from codec.jpeg.decode.marker_segments import UnreadableSourceError
from codec.jpeg.encode import encode
from codec.settings import EncodeSettings
from tests.codec import plain_jpeg
from tests.codec.edited_jpegs import (
    COLOUR,
    JFIF,
    PROGRESSIVE,
    drop_last_scan,
    find_segment,
    make_adobe,
    name_components,
    replace_in_segment,
    replace_jfif,
    separate_scans,
    set_sampling,
)
from tests.codec.jpegs import pillow_jpeg, restored_luma, shown_luma
from tests.codec.pictures import noise, scene
from tests.codec.plain_progressive import decode_progressive

ROOT = Path(__file__).parents[4]
HOSTILE = Path(os.environ.get("FOVEATE_DATA") or ROOT.parent / "shared" / "data") / "hostile"
SHORT_JFIF = b"\xff\xe0\x00\x0aJFIF\0\1\1\0"
RGB = pillow_jpeg(scene(33, 31), keep_rgb=True, subsampling="4:4:4")
SCAN = find_segment(COLOUR, 0xDA)


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (17, 33), (40, 57), (64, 16)])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0", "grey"])
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


@pytest.mark.parametrize("quality", [5, 50, 95, 100])
@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
def test_samples_are_within_one_of_libjpegs(quality: int, subsampling: str) -> None:
    for image in (scene(61, 83), noise(61, 83)):
        data = pillow_jpeg(image, quality=quality, subsampling=subsampling)
        assert np.abs(restored_luma(read_source(data)) - shown_luma(data)).max() <= 1


def test_blocks_of_mcus_larger_than_the_sampling_requires_are_dropped() -> None:
    data = separate_scans(pillow_jpeg(scene(40, 57), quality=80, subsampling="4:4:4"))
    doubled = set_sampling(data, 0x22, 0x22, 0x22)
    assert shown_luma(doubled).shape == (40, 57)
    source = read_source(doubled)
    assert (source.horizontal, source.vertical) == (1, 1)
    for first, second in zip(source.qcoefs, read_source(data).qcoefs, strict=True):
        assert np.array_equal(first, second)


def test_a_strip_whose_mcus_are_mostly_padding_is_read() -> None:
    strip = np.full((40000, 6, 3), (200, 30, 90), np.uint8)
    options = EncodeSettings(1, subsampling="420", progressive=True)
    source = read_source(encode(strip, None, options).jpeg)
    assert (source.height, source.width) == (40000, 6)


def test_data_behind_the_first_image_is_ignored() -> None:
    data = pillow_jpeg(scene(20, 20))
    assert read_source(data + b"\xff\xd8 more").stripped == data


@pytest.mark.parametrize(
    "data",
    [
        replace_jfif(COLOUR, make_adobe(0)),
        replace_jfif(name_components(COLOUR, b"RGB")),
        RGB[:2] + SHORT_JFIF + RGB[2:],
        RGB[:-2] + JFIF + RGB[-2:],
        pillow_jpeg(scene(16, 16)[..., [0, 1, 2, 0]], mode="CMYK"),
    ],
    ids=["Adobe", "names", "JFIF cut short", "JFIF behind the scan", "four components"],
)
def test_colour_spaces_other_than_ycbcr_are_refused(data: bytes) -> None:
    with pytest.raises(UnreadableSourceError, match=r"YCbCr|number of components"):
        read_source(data)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xd8\xff\xd9", "ends before"),
        (COLOUR[:-3], "damaged"),
        (drop_last_scan(PROGRESSIVE), "ends before"),
        (replace_in_segment(COLOUR, 0xC0, b"\x01\x22\x00", b"\x01\x22\x03"), "no quantization"),
    ],
    ids=["no frame", "a byte missing", "a scan missing", "no quantization table"],
)
def test_incomplete_files_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(UnreadableSourceError, match=message):
        read_source(data)


@pytest.mark.parametrize("data", [COLOUR, PROGRESSIVE], ids=["baseline", "progressive"])
def test_truncated_files_are_refused(data: bytes) -> None:
    for length in [*range(0, len(data) - 2, 7), *range(len(data) - 9, len(data) - 2)]:
        assert not is_complete(data[:length])
        with pytest.raises(UnreadableSourceError):
            read_source(data[:length])


@pytest.mark.parametrize("data", [COLOUR, PROGRESSIVE], ids=["baseline", "progressive"])
@pytest.mark.parametrize("end", [b"", b"\xff", b"\xff\xff\xff"])
def test_a_file_without_eoi_gets_one(data: bytes, end: bytes) -> None:
    source = read_source(data[:-2] + end)
    assert source.stripped == data
    for first, second in zip(source.qcoefs, read_source(data).qcoefs, strict=True):
        assert np.array_equal(first, second)


@pytest.mark.parametrize("progressive", [False, True])
def test_four_components_and_other_samplings_are_complete_or_not(*, progressive: bool) -> None:
    picture = scene(33, 49)[..., [0, 1, 2, 0]]
    cmyk = pillow_jpeg(picture, mode="CMYK", quality=80, progressive=progressive)
    narrow = pillow_jpeg(scene(33, 49), quality=80, progressive=progressive, subsampling="4:1:1")
    for data in (cmyk, narrow):
        assert is_complete(data)
        assert is_complete(data[:-2])
        assert not is_complete(data[:-4])


def test_coefficients_beyond_8_bit_samples_are_refused() -> None:
    quantization = find_segment(COLOUR, 0xDB)
    steps = b"\xff" * (quantization.end - quantization.start - 5)
    large = COLOUR[: quantization.start + 5] + steps + COLOUR[quantization.end :]
    with pytest.raises(UnreadableSourceError, match="out of range"):
        read_source(large)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damaged_files_are_refused_or_read_with_values_in_range(data: st.DataObject) -> None:
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
