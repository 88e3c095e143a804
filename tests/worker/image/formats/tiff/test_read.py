"""A TIFF is read as other programs show it; whatever is wrong with it, the error is a typed one."""

import io
import logging
import os
import random
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from contract.errors import CorruptImageError, TooManyPixelsError, UnsupportedImageError
from tests.photos import file_of, photo
from tests.worker.image.formats.tiff.tiff_files import (
    SHORT,
    make_tiff,
    samples_of,
    shape_tags,
    values_of,
)
from worker.image.formats.tiff.read import read
from worker.image.limits import check_limits

DATA = Path(os.environ.get("FOVEATE_DATA") or Path(__file__).parents[6] / "shared" / "data")
REPORTS = sorted((DATA / "reports").glob("tiff-*.tif*[!g]"))
PHOTO = photo(73, 43)


@pytest.mark.parametrize(
    ("compression", "predictor"),
    [
        ("none", False),
        ("lzw", False),
        ("lzw", True),
        ("zlib", True),
        ("packbits", False),
        ("zstd", True),
        ("lzma", True),
        ("webp", False),
    ],
)
@pytest.mark.parametrize("tile", [None, (16, 32)])
def test_lossless_compressions_are_read(
    compression: str, predictor: bool, tile: tuple[int, int] | None
) -> None:
    file = io.BytesIO()
    options = {"level": 100, "lossless": True} if compression == "webp" else {}
    tifffile.imwrite(
        file,
        PHOTO,
        photometric="rgb",
        compression=compression,
        compressionargs=options,
        predictor=predictor,
        tile=tile,
        rowsperstrip=None if tile else 7,
    )
    np.testing.assert_array_equal(values_of(file.getvalue()), PHOTO)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("is_big", [False, True])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "float16", "float32", "float64"])
@pytest.mark.parametrize("predictor", [False, True])
def test_depths_are_read_in_both_orders(
    order: str, is_big: bool, planar: str, dtype: str, predictor: bool
) -> None:
    expected = PHOTO / 255
    stored = (
        expected.astype(dtype)
        if dtype.startswith("float")
        else np.floor(expected * np.iinfo(dtype).max).astype(dtype)
    )
    file = io.BytesIO()
    tifffile.imwrite(
        file,
        np.moveaxis(stored, -1, 0) if planar == "separate" else stored,
        photometric="rgb",
        byteorder=order,
        bigtiff=is_big,
        planarconfig=planar,
        compression="zlib" if predictor else None,
        predictor=predictor,
        rowsperstrip=20,
    )
    values = values_of(file.getvalue())
    full = np.iinfo(values.dtype).max
    np.testing.assert_allclose(values / full, expected, atol=6e-4)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK"])
def test_files_of_pillow_are_read(mode: str) -> None:
    image = Image.fromarray(PHOTO).convert("RGB" if mode == "RGBA" else mode)
    image = image.convert(mode)
    if mode in {"RGBA", "LA"}:
        image.putalpha(Image.fromarray(PHOTO[..., 0]))
    expected = np.asarray(image.convert("RGB") if mode == "P" else image)
    expected = expected * np.uint8(255) if mode == "1" else expected
    samples = samples_of(file_of(image, "TIFF"))
    np.testing.assert_array_equal(samples.values, expected.reshape(43, 73, -1))
    assert samples.alpha == ("straight" if mode in {"RGBA", "LA"} else "none")
    models = {"RGB": "rgb", "RGBA": "rgb", "P": "rgb", "CMYK": "cmyk"}
    assert samples.model == models.get(mode, "grey")


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt"])
def test_bilevel_compressions_are_read(compression: str) -> None:
    image = Image.fromarray(PHOTO).convert("1")
    data = file_of(image, "TIFF", compression=compression)
    expected = np.asarray(image)[..., None] * np.uint8(255)
    np.testing.assert_array_equal(values_of(data), expected)


def test_a_probable_alpha_of_zeros_is_padding() -> None:
    stored = np.dstack((PHOTO, np.zeros((43, 73), np.uint8)))
    tags = shape_tags(73, 43, samples=4, photometric=2) | {338: (SHORT, [0])}
    samples = samples_of(make_tiff([stored.tobytes()], tags))
    assert samples.alpha == "none"
    np.testing.assert_array_equal(samples.values, PHOTO)
    stored[0, 0, 3] = 1
    samples = samples_of(make_tiff([stored.tobytes()], tags))
    assert samples.alpha == "straight"
    np.testing.assert_array_equal(samples.values, stored)
    # An alpha that is said to be one is right even if it is 0 everywhere.
    stored[0, 0, 3] = 0
    assert samples_of(make_tiff([stored.tobytes()], tags | {338: (SHORT, [2])})).alpha == "straight"


def test_the_profile_is_handed_over() -> None:
    data = make_tiff(
        [PHOTO.tobytes()], shape_tags(73, 43, samples=3, photometric=2) | {34675: b"icc profile"}
    )
    assert samples_of(data).profile == b"icc profile"


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        ({259: 34887}, "LERC"),
        ({259: 34712}, "JPEG 2000"),
        ({259: 99999}, "Compression 99999"),
        ({262: 32803}, "Colour filter array"),
        ({262: 5, 277: 4, 258: (SHORT, [32] * 4), 339: (SHORT, [3] * 4)}, "CMYK of 32-bit float"),
    ],
)
def test_what_is_not_supported_is_named(tags: dict[int, int], name: str) -> None:
    with pytest.raises(UnsupportedImageError, match=name):
        read(make_tiff([PHOTO.tobytes()], shape_tags(73, 43, samples=3, photometric=2) | tags))


@pytest.mark.parametrize(
    "compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"]
)
def test_a_truncated_strip_is_damage(compression: str) -> None:
    data = bytearray(file_of(PHOTO, "TIFF", compression=compression))
    page = tifffile.TiffFile(io.BytesIO(data)).pages[0]
    start, length = page.dataoffsets[0], page.databytecounts[0]
    assert values_of(bytes(data)).shape == (43, 73, 3)
    with pytest.raises(CorruptImageError):
        # Directory and metadata first, as in files of programs that write in one pass.
        read(bytes(data[: start + length // 2] if start > 8 else data[: len(data) // 2]))


def make_seeds() -> list[bytes]:
    """Return files that reach all parts of the reader."""
    grey = Image.fromarray(PHOTO[:24, :24]).convert("L")
    colour = Image.fromarray(PHOTO[:24, :24])
    seeds = [
        file_of(image, "TIFF", compression=compression)
        for image, compression in [
            (colour, "raw"),
            (colour, "tiff_lzw"),
            (colour, "jpeg"),
            (colour.convert("YCbCr"), "jpeg"),
            (colour.convert("YCbCr"), "raw"),
            (colour.convert("CMYK"), "tiff_adobe_deflate"),
            (colour.convert("P"), "packbits"),
            (colour.convert("LAB"), "tiff_lzw"),
            (grey.convert("1"), "group3"),
            (grey.convert("1"), "group4"),
            (grey.convert("F"), "lzma"),
            (grey.convert("I;16"), "raw"),
        ]
    ]
    for options in ({"tile": (16, 16)}, {"planarconfig": "separate"}, {"bigtiff": True}):
        file = io.BytesIO()
        stored = (
            np.moveaxis(PHOTO[:24, :24], -1, 0) if "planarconfig" in options else PHOTO[:24, :24]
        )
        tifffile.imwrite(
            file,
            stored.astype(np.float32),
            photometric="rgb",
            predictor=True,
            compression="zlib",
            **options,
        )
        seeds.append(file.getvalue())
    return seeds


def test_damaged_files_end_in_typed_errors(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    rng = random.Random(4)
    tracemalloc.start()
    refused = 0
    for seed in make_seeds():
        read(seed)
        for _ in range(40):
            data = bytearray(seed)
            for _ in range(rng.choice((1, 2, 8))):
                # Mostly in the directory, which decides about memory and time.
                at = (
                    rng.randrange(len(data))
                    if rng.random() < 0.3
                    else -rng.randrange(1, min(260, len(data)))
                )
                data[at] = rng.choice((0, 1, 0xFF, rng.randrange(256)))
            if rng.random() < 0.1:
                del data[rng.randrange(len(data)) :]
            try:
                check_limits(bytes(data), 1_000_000)
                read(bytes(data))
            except (CorruptImageError, UnsupportedImageError, TooManyPixelsError):
                refused += 1
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 60e6
    assert refused > 100
    assert not caplog.records


@pytest.mark.data
@pytest.mark.skipif(not REPORTS, reason="no reports under FOVEATE_DATA")
@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.name)
def test_reported_files_are_as_other_decoders_show_them(path: Path) -> None:
    expected = np.asarray(Image.open(f"{path}.expected.png"))
    samples = samples_of(path.read_bytes())
    values = samples.values if samples.values.dtype == np.uint8 else samples.values >> 8
    values = values.astype(np.int16)
    if samples.alpha == "straight":
        alpha = values[..., -1:]
        values = (values[..., :-1] * alpha + 255 * (255 - alpha)) // 255
    shape = expected.shape if expected.ndim == 3 else (*expected.shape, 1)
    assert abs(values - expected.reshape(shape)).mean() < 1


def test_a_deflated_strip_of_the_whole_photo_is_never_in_memory_twice() -> None:
    tags = shape_tags(2200, 1000, bits=32, samples=4, photometric=2)
    tags |= {259: 8, 338: (SHORT, [2]), 339: (SHORT, [3] * 4)}
    data = make_tiff([zlib.compress(bytes(2200 * 1000 * 16), 1)], tags)
    tracemalloc.start()
    try:
        read(data)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 30 * 2200 * 1000
