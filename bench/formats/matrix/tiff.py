"""TIFF files of the matrix: depths, signs, interpretations, layouts, compressions and alpha."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyvips
from numpy.typing import NDArray
from PIL import Image

from bench.formats.matrix import pictures
from bench.formats.matrix.jpeg import make_cmyk
from bench.formats.matrix.pictures import MatrixFile
from bench.formats.matrix.tiff_file import (
    DEFLATE,
    FLOAT,
    LONG,
    LZMA,
    LZW,
    OLD_DEFLATE,
    PACKBITS,
    SHORT,
    SIGNED,
    UNDEFINED,
    WEBP,
    ZSTD,
    Layout,
    write_file,
    write_tiff,
)
from bench.formats.profiles import make_cmyk_profile, make_grey_profiles, make_profiles

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, SEPARATED, YCBCR, CIELAB, ICCLAB = (
    0,
    1,
    2,
    3,
    5,
    6,
    8,
    9,
)
UNSPECIFIED, PREMULTIPLIED, STRAIGHT = 0, 1, 2
COMPRESSIONS: Final = {
    "lzw": LZW,
    "deflate": DEFLATE,
    "old-deflate": OLD_DEFLATE,
    "packbits": PACKBITS,
    "lzma": LZMA,
    "zstd": ZSTD,
}
SUBSAMPLINGS: Final = ((1, 1), (2, 1), (2, 2), (4, 1), (4, 2), (4, 4), (1, 2))


def make_files() -> list[MatrixFile]:
    """Return all TIFF files of the matrix."""
    return pictures.join(
        make_depths(), make_signed_and_float(), make_layouts(), make_compressed(), make_by_libtiff(),
        make_alpha(), make_palettes(), make_inks(), make_lab(), make_ycbcr(), make_tagged(),
    )  # fmt: skip


def make_depths() -> Iterator[MatrixFile]:
    """Yield greyscale and RGB of each depth, and planes."""
    for bits in (1, 2, 4, 6, 8, 10, 12, 14, 16, 24, 32):
        grey = to_depth(pictures.make_grey_samples()[..., None], bits)
        yield write(f"tiff-grey-{bits}.tif", grey, Layout(bits, BLACK_IS_ZERO))
        yield write(
            f"tiff-grey-{bits}-white-is-zero.tif", 2**bits - 1 - grey, Layout(bits, WHITE_IS_ZERO)
        )
    for bits in (2, 4, 8, 10, 12, 14, 16, 24, 32):
        rgb = to_depth(pictures.make_samples(), bits)
        for planar in (False, True):
            ending = "-planar.tif" if planar else ".tif"
            yield write(f"tiff-rgb-{bits}{ending}", rgb, Layout(bits, RGB, planar=planar))


def make_signed_and_float() -> Iterator[MatrixFile]:
    """Yield signed integers, whose least value is black, and floats from 0 to 1."""
    for name, samples, photometric in get_both():
        for bits in (8, 16, 32):
            signed = to_depth(samples, bits).astype(np.int64) - 2 ** (bits - 1)
            typed = signed.astype(f"i{bits // 8}")
            layout = Layout(bits, photometric, SIGNED)
            yield write(f"tiff-{name}-signed-{bits}.tif", typed, layout)
        for bits in (16, 32, 64):
            typed = samples.astype(f"f{bits // 8}")
            yield write(f"tiff-{name}-float-{bits}.tif", typed, Layout(bits, photometric, FLOAT))
        wide = samples.astype(np.float32)
        layout = Layout(32, photometric, FLOAT, DEFLATE, predictor=3)
        yield write(f"tiff-{name}-float-32-predictor.tif", wide, layout)
    planes = pictures.make_samples().astype(np.float32)
    yield write("tiff-rgb-float-32-planar.tif", planes, Layout(32, RGB, FLOAT, planar=True))


def make_layouts() -> Iterator[MatrixFile]:
    """Yield tiles, byte orders and BigTIFF."""
    for name, samples, photometric in get_both():
        for bits in (8, 16):
            deep = to_depth(samples, bits)
            tiles = Layout(bits, photometric, tiled=True)
            yield write(f"tiff-{name}-{bits}-tiles.tif", deep, tiles)
            motorola = Layout(bits, photometric, byte_order=">")
            yield write(f"tiff-{name}-{bits}-big-endian.tif", deep, motorola)
            yield write(
                f"tiff-{name}-{bits}-bigtiff.tif", deep, Layout(bits, photometric, big=True)
            )
    deep = to_depth(pictures.make_samples(), 16)
    yield write("tiff-rgb-16-planar-tiles.tif", deep, Layout(16, RGB, planar=True, tiled=True))


def make_compressed() -> Iterator[MatrixFile]:
    """Yield lossless compressions, with and without differences between neighbours."""
    for name, samples, photometric in get_both():
        for bits in (8, 16):
            deep = to_depth(samples, bits)
            for compression, number in COMPRESSIONS.items():
                layout = Layout(bits, photometric, compression=number)
                yield write(f"tiff-{name}-{bits}-{compression}.tif", deep, layout)
            layout = Layout(bits, photometric, compression=LZW, predictor=2)
            yield write(f"tiff-{name}-{bits}-lzw-predictor.tif", deep, layout)
    rgb = to_depth(pictures.make_samples(), 8)
    yield write("tiff-rgb-8-webp.tif", rgb, Layout(8, RGB, compression=WEBP))
    planar = Layout(8, RGB, compression=DEFLATE, predictor=2, planar=True)
    yield write("tiff-rgb-8-planar-deflate-predictor.tif", rgb, planar)


def make_by_libtiff() -> Iterator[MatrixFile]:
    """Yield compressions that libtiff writes: JPEG and fax."""
    rgb = pyvips.Image.new_from_array(to_depth(pictures.make_samples(), 8), interpretation="srgb")
    for name, image in (("rgb", rgb), ("grey", rgb.colourspace("b-w"))):
        for tiled in (False, True):
            data = image.tiffsave_buffer(
                compression="jpeg", Q=92, tile=tiled, tile_width=64, tile_height=64
            )
            yield MatrixFile(f"tiff-{name}-8-jpeg{'-tiles' if tiled else ''}.tif", data)
    for miniswhite in (False, True):
        data = rgb.colourspace("b-w").tiffsave_buffer(
            compression="ccittfax4", bitdepth=1, miniswhite=miniswhite
        )
        yield MatrixFile(f"tiff-grey-1-fax{'-white-is-zero' if miniswhite else ''}.tif", data)


def make_alpha() -> Iterator[MatrixFile]:
    """Yield alpha of each kind, and a further channel that is none."""
    for name, samples, photometric in get_both():
        for bits in (8, 16, 32):
            straight = pictures.with_alpha(samples)
            layout = Layout(bits, photometric, extra_samples=[STRAIGHT])
            yield write(f"tiff-{name}-{bits}-alpha.tif", to_depth(straight, bits), layout)
            multiplied = straight.copy()
            multiplied[..., :-1] *= straight[..., -1:]
            layout = Layout(bits, photometric, extra_samples=[PREMULTIPLIED])
            deep = to_depth(multiplied, bits)
            yield write(f"tiff-{name}-{bits}-alpha-premultiplied.tif", deep, layout)
        layout = Layout(8, photometric, extra_samples=[UNSPECIFIED])
        yield write(f"tiff-{name}-8-unspecified.tif", to_depth(straight, 8), layout)
        layout = Layout(8, photometric, extra_samples=[STRAIGHT], planar=True)
        yield write(f"tiff-{name}-8-alpha-planar.tif", to_depth(straight, 8), layout)
        layout = Layout(32, photometric, FLOAT, extra_samples=[STRAIGHT])
        yield write(f"tiff-{name}-float-32-alpha.tif", straight.astype(np.float32), layout)


def make_palettes() -> Iterator[MatrixFile]:
    """Yield palettes of each depth, with entries of 16 bits and, as scanners write them, of 8."""
    for bits in (1, 2, 4, 8):
        image = pictures.make_picture().quantize(2**bits, dither=Image.Dither.NONE)
        entries = np.array(image.getpalette(), dtype=np.int64)[: 3 * 2**bits].reshape(-1, 3).T
        entries = np.pad(entries, ((0, 0), (0, 2**bits - entries.shape[1])))
        indices = np.asarray(image)[..., None]
        for width, scale in ((16, 257), (8, 1)):
            colour_map = (SHORT, (entries * scale).reshape(-1).tolist())
            layout = Layout(bits, PALETTE, tags={320: colour_map})
            yield write(f"tiff-palette-{bits}-entries-{width}.tif", indices, layout)


def make_inks() -> Iterator[MatrixFile]:
    """Yield CMYK with and without a profile and alpha."""
    inks = make_cmyk().astype(np.float64) / 255
    profile = {34_675: (UNDEFINED, make_cmyk_profile())}
    for bits in (8, 16):
        deep = to_depth(inks, bits)
        yield write(f"tiff-cmyk-{bits}.tif", deep, Layout(bits, SEPARATED))
        yield write(f"tiff-cmyk-{bits}-icc.tif", deep, Layout(bits, SEPARATED, tags=profile))
        yield write(f"tiff-cmyk-{bits}-planar.tif", deep, Layout(bits, SEPARATED, planar=True))
        layout = Layout(bits, SEPARATED, extra_samples=[STRAIGHT])
        yield write(
            f"tiff-cmyk-{bits}-alpha.tif", to_depth(pictures.with_alpha(inks), bits), layout
        )


def make_lab() -> Iterator[MatrixFile]:
    """Yield CIE L*a*b* of 8 and 16 bits, signed and as ICC profiles have it."""
    rgb = pyvips.Image.new_from_array(to_depth(pictures.make_samples(), 16), interpretation="rgb16")
    lab = rgb.colourspace("lab").numpy()
    for bits in (8, 16):
        scale = 2 ** (bits - 8)
        light = lab[..., :1] / 100 * (2**bits - 1)
        # ICC.1: 16-bit L* of 100 is 0xFF00 in version 2, as in TIFF (technical note on ICCLab).
        light_icc = lab[..., :1] / 100 * 255 * scale
        signed = np.rint(np.concatenate([light, lab[..., 1:] * scale], axis=2)).astype(np.int64)
        shifted = np.concatenate([light_icc, (lab[..., 1:] + 128) * scale], axis=2)
        typed = (signed % 2**bits).astype(f"u{bits // 8}")
        yield write(f"tiff-lab-{bits}-cie.tif", typed, Layout(bits, CIELAB))
        typed = np.clip(np.rint(shifted), 0, 2**bits - 1).astype(f"u{bits // 8}")
        yield write(f"tiff-lab-{bits}-icc.tif", typed, Layout(bits, ICCLAB))


def make_ycbcr() -> Iterator[MatrixFile]:
    """Yield uncompressed YCbCr by its subsampling (TIFF 6.0, section 21)."""
    ycbcr = np.asarray(pictures.make_picture().convert("YCbCr"))
    for across, down in SUBSAMPLINGS:
        padded = np.pad(
            ycbcr,
            ((0, -ycbcr.shape[0] % down), (0, -ycbcr.shape[1] % across), (0, 0)),
            mode="edge",
        )
        rows, columns = padded.shape[0] // down, padded.shape[1] // across
        blocks = padded.reshape(rows, down, columns, across, 3).transpose(0, 2, 1, 3, 4)
        luma = blocks[..., 0].reshape(rows, columns, -1)
        chroma = np.rint(blocks[..., 1:].mean(axis=(2, 3)))
        units = np.concatenate([luma, chroma], axis=2).astype(np.uint8)
        layout = Layout(
            8, YCBCR,
            tags={
                256: (LONG, [ycbcr.shape[1]]), 257: (LONG, [ycbcr.shape[0]]),
                258: (SHORT, [8, 8, 8]), 277: (SHORT, [3]), 278: (LONG, [padded.shape[0]]),
                530: (SHORT, [across, down]),
            },
        )  # fmt: skip
        yield MatrixFile(f"tiff-ycbcr-8-{across}{down}.tif", write_file([units.tobytes()], layout))


def make_tagged() -> Iterator[MatrixFile]:
    """Yield orientations, of each integer type, and profiles."""
    rgb = to_depth(pictures.make_samples(), 8)
    for orientation in pictures.ORIENTATIONS:
        layout = Layout(8, RGB, tags={274: (SHORT, [orientation])})
        yield write(f"tiff-rgb-8-orientation-{orientation}.tif", rgb, layout)
    for kind in (1, LONG):
        layout = Layout(8, RGB, tags={274: (kind, [6])})
        yield write(f"tiff-rgb-8-orientation-6-type-{kind}.tif", rgb, layout)
    for bits in (8, 16):
        for space, profile in make_profiles().items():
            layout = Layout(bits, RGB, tags={34_675: (UNDEFINED, profile)})
            deep = to_depth(pictures.make_samples(), bits)
            yield write(f"tiff-rgb-{bits}-icc-{space}.tif", deep, layout)
        for space, profile in make_grey_profiles().items():
            layout = Layout(bits, BLACK_IS_ZERO, tags={34_675: (UNDEFINED, profile)})
            deep = to_depth(pictures.make_grey_samples()[..., None], bits)
            yield write(f"tiff-grey-{bits}-icc-{space}.tif", deep, layout)


def get_both() -> Sequence[tuple[str, NDArray[np.float64], int]]:
    """Return the picture in greyscale and in RGB: name, samples and interpretation."""
    return (
        ("grey", pictures.make_grey_samples()[..., None], BLACK_IS_ZERO),
        ("rgb", pictures.make_samples(), RGB),
    )


def to_depth(samples: NDArray[np.float64], bits: int) -> NDArray[Any]:
    """Return samples as unsigned integers of 1 to 32 bits, in the smallest type."""
    kind = "u1" if bits <= 8 else "u2" if bits <= 16 else "u4"
    integers: NDArray[Any] = np.rint(samples * (2**bits - 1)).astype(kind)
    return integers


def write(name: str, samples: NDArray[Any], layout: Layout) -> MatrixFile:
    """Return samples as a TIFF file."""
    return MatrixFile(name, write_tiff(samples, layout))
