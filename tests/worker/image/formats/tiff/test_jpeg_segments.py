"""JPEG and WebP in strips and tiles: any colours, abbreviated streams, and no more pixels than there is place."""

import io
import struct

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from contract.errors import CorruptImageError, UnsupportedImageError
from tests.photos import file_of, photo
from tests.worker.image.formats.tiff.tiff_files import make_tiff, samples_of, shape_tags, values_of
from worker.image.formats.tiff.jpeg_segments import decode_jpeg, decode_webp, split_jpeg
from worker.image.limits import MAX_SCANS

PHOTO = photo(80, 64)
PIXELS = 80 * 64


def split_tables(jpeg: bytes) -> tuple[bytes, bytes]:
    """Return tables of their own, and the rest."""
    tables, rest, position = b"", b"", 2
    while jpeg[position + 1] != 0xDA:
        end = position + 2 + int.from_bytes(jpeg[position + 2 : position + 4], "big")
        if jpeg[position + 1] in {0xC4, 0xDB}:
            tables += jpeg[position:end]
        else:
            rest += jpeg[position:end]
        position = end
    return b"\xff\xd8" + tables + b"\xff\xd9", b"\xff\xd8" + rest + jpeg[position:]


def error_of(decoded: np.ndarray, expected: np.ndarray) -> float:
    return float(abs(decoded.astype(int).squeeze() - expected).mean())


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:0"])
def test_tables_may_be_elsewhere(subsampling: str) -> None:
    jpeg = file_of(PHOTO, "JPEG", quality=97, subsampling=subsampling)
    tables, rest = split_tables(jpeg)
    for encoded, elsewhere in ((jpeg, b""), (rest, tables)):
        decoded = decode_jpeg(encoded, elsewhere, 3, PIXELS, is_ycbcr=True)
        np.testing.assert_array_equal(decoded, np.asarray(Image.open(io.BytesIO(jpeg))))


def test_rgb_is_rgb_whatever_markers_say() -> None:
    rgb = file_of(PHOTO, "JPEG", quality=97, keep_rgb=True)
    assert b"Adobe" in rgb
    assert error_of(decode_jpeg(rgb, b"", 3, PIXELS, is_ycbcr=False), PHOTO) < 3
    # A JFIF marker would make it YCbCr.
    jfif = b"\xff\xd8\xff\xe0\x00\x10JFIF\0\1\1\0\0\1\0\1\0\0" + rgb[2:]
    assert error_of(decode_jpeg(jfif, b"", 3, PIXELS, is_ycbcr=False), PHOTO) < 3


def test_grey_and_cmyk_are_not_converted() -> None:
    grey = PHOTO[..., 0]
    assert (
        error_of(
            decode_jpeg(file_of(grey, "JPEG", quality=97), b"", 1, PIXELS, is_ycbcr=False), grey
        )
        < 3
    )
    ink = np.dstack((PHOTO, grey))
    jpeg = imagecodecs.jpeg_encode(ink, level=97, colorspace="cmyk", outcolorspace="cmyk")
    assert error_of(decode_jpeg(jpeg, b"", 4, PIXELS, is_ycbcr=False), ink) < 3


@pytest.mark.parametrize("kind", ["12 bits", "lossless"])
def test_deep_jpegs_are_read(kind: str) -> None:
    grey = PHOTO[..., 0].astype(np.uint16) * 16
    options = {"lossless": True} if kind == "lossless" else {"level": 99}
    jpeg = imagecodecs.jpeg_encode(grey, bitspersample=12, **options)
    assert error_of(decode_jpeg(jpeg, b"", 1, PIXELS, is_ycbcr=False), grey) < 20
    with pytest.raises(CorruptImageError, match="truncated"):
        decode_jpeg(jpeg[:-9], b"", 1, PIXELS, is_ycbcr=False)
    values = values_of(make_tiff([jpeg], shape_tags(80, 64, bits=12) | {259: 7}))
    assert error_of(values / 257 * 16, grey) < 25


def test_what_does_not_fit_is_refused_before_it_is_decoded() -> None:
    jpeg = file_of(PHOTO, "JPEG")
    with pytest.raises(CorruptImageError, match="does not fit"):
        decode_jpeg(jpeg, b"", 3, PIXELS - 1, is_ycbcr=True)
    with pytest.raises(CorruptImageError, match="does not fit"):
        decode_jpeg(jpeg, b"", 1, PIXELS, is_ycbcr=True)
    webp = file_of(PHOTO, "WEBP")
    with pytest.raises(CorruptImageError, match="does not fit"):
        decode_webp(webp, 3, PIXELS - 1)
    with pytest.raises(CorruptImageError, match="does not fit"):
        decode_webp(webp, 1, PIXELS)


def test_the_number_of_scans_is_limited() -> None:
    jpeg = file_of(PHOTO, "JPEG", progressive=True)
    scan = jpeg.rindex(b"\xff\xda")
    split_jpeg(jpeg, b"")
    with pytest.raises(CorruptImageError, match="scans"):
        split_jpeg(jpeg[:-2] + jpeg[scan : scan + 14] * MAX_SCANS, b"")


def test_a_jpeg_without_frame_or_with_two_components_is_refused() -> None:
    with pytest.raises(CorruptImageError, match="no frame"):
        split_jpeg(b"\xff\xd8\xff\xda\0\2", b"")
    jpeg = bytearray(file_of(PHOTO, "JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame : frame + 19] = (
        b"\xff\xc0" + struct.pack(">HBHHB", 14, 8, 64, 80, 2) + b"\1\x11\0\2\x11\0" + b"\xff" * 3
    )
    with pytest.raises(UnsupportedImageError, match="two components"):
        decode_jpeg(bytes(jpeg), b"", 2, PIXELS, is_ycbcr=False)


def test_tiles_of_other_writers_are_read() -> None:
    for planar in ("contig", "separate"):
        file = io.BytesIO()
        tifffile.imwrite(
            file,
            PHOTO if planar == "contig" else np.moveaxis(PHOTO, -1, 0),
            photometric="rgb",
            planarconfig=planar,
            compression="jpeg",
            compressionargs={"level": 97},
            tile=(32, 32),
        )
        assert error_of(values_of(file.getvalue()), PHOTO) < 5


def test_files_of_libtiff_are_read() -> None:
    for mode in ("L", "RGB", "YCbCr", "CMYK"):
        image = Image.fromarray(PHOTO).convert(mode)
        samples = samples_of(file_of(image, "TIFF", compression="jpeg", quality=95))
        expected = image.convert("RGB") if mode == "YCbCr" else image
        assert error_of(samples.values, np.asarray(expected)) < 5


@pytest.mark.parametrize("samples", [3, 4])
def test_webp_is_read(samples: int) -> None:
    stored = PHOTO if samples == 3 else np.dstack((PHOTO, PHOTO[..., :1]))
    webp = file_of(stored, "WEBP", lossless=True, exact=True)
    np.testing.assert_array_equal(decode_webp(webp, samples, PIXELS), stored)
    # Writers leave an opaque alpha out.
    opaque = file_of(PHOTO, "WEBP", lossless=True)
    assert decode_webp(opaque, 4, PIXELS)[..., 3].min() == 255
