"""Reads how a TIFF stores its samples (TIFF 6.0, sections 3 to 23), and refuses what is not supported."""

from typing import Final

from contract.errors import CorruptImageError, UnsupportedImageError
from worker.image.formats.tiff.codecs import (
    COMPRESSIONS,
    FAXES,
    JPEG,
    OLD_JPEG,
    SGI_LOG,
    SGI_LOG_24,
    check_compression,
)
from worker.image.formats.tiff.directory import Directory
from worker.image.formats.tiff.layout import (
    BLACK_IS_ZERO,
    CHANNELS,
    CIE_LAB,
    ICC_LAB,
    ITU_LAB,
    LOG_L,
    LOG_LUV,
    PALETTE,
    RGB,
    SEPARATED,
    WHITE_IS_ZERO,
    YCBCR,
    Alpha,
    Layout,
    NumberFormat,
)

NEW_SUBFILE_TYPE, BITS_PER_SAMPLE, COMPRESSION, PHOTOMETRIC = 254, 258, 259, 262
FILL_ORDER, SAMPLES_PER_PIXEL, ROWS_PER_STRIP, PLANAR_CONFIGURATION = 266, 277, 278, 284
PREDICTOR, TILE_WIDTH, TILE_LENGTH = 317, 322, 323
SUB_IFDS, EXTRA_SAMPLES, SAMPLE_FORMAT, SUBSAMPLING = 330, 338, 339, 530

# Canon's CR2 files have this behind the byte order, and a JPEG of the photo in the first directory.
CANON_RAW, CANON_RAW_POSITION = b"\x10\0\0\0CR\2\0", 4
# Of NewSubfileType: a smaller version of another picture.
REDUCED: Final = 1
# Photoshop writes up to 56 channels.
MAX_SAMPLES: Final = 64
# A decoded strip or tile, whatever the photo's size; larger ones go by its pixels.
SMALL_SEGMENT_BYTES, SEGMENT_BYTES_PER_PIXEL = 8 << 20, 24

UNSUPPORTED_PHOTOMETRICS: Final = {
    LOG_L: "Uncompressed LogL",
    LOG_LUV: "Uncompressed LogLuv",
    32803: "Colour filter array (camera raw)",
    34892: "Linear raw",
    51177: "Depth map",
    52527: "Semantic mask",
}
NUMBER_FORMATS: Final[dict[int, NumberFormat]] = {
    0: "unsigned",
    1: "unsigned",
    2: "signed",
    3: "float",
    4: "unsigned",
}
FLOAT_BITS: Final = frozenset({16, 24, 32, 64})
INTEGER_BITS: Final = frozenset(range(1, 33)) | {64}
ASSOCIATED_ALPHA, UNASSOCIATED_ALPHA = 1, 2


def read_layout(directory: Directory) -> Layout:
    """Return the layout, its limits checked.

    Raises:
        CorruptImageError: when tags contradict each other, or segments are far larger than the image.
        UnsupportedImageError: when the compression, depth or colours are not supported.
    """
    is_preview = SUB_IFDS in directory and directory.integer(NEW_SUBFILE_TYPE) & REDUCED
    if is_preview or directory.data.startswith(CANON_RAW, CANON_RAW_POSITION):
        raise UnsupportedImageError("Camera raw files with a preview first are not supported.")
    compression = directory.integer(COMPRESSION, 1)
    check_compression(compression)
    bits, samples = read_bits(directory)
    photometric = read_photometric(directory, samples)
    number_format = read_number_format(directory, bits)
    if samples < CHANNELS[photometric]:
        if photometric == SEPARATED:
            raise UnsupportedImageError(f"TIFFs with {samples} inks are not supported.")
        raise CorruptImageError("The TIFF has too few samples per pixel for its colours.")
    alpha, alpha_sample = read_alpha(directory, photometric, samples)
    is_planar = samples > 1 and directory.integer(PLANAR_CONFIGURATION, 1) == 2
    subsampling = (1, 1)
    jpeg_is_ycbcr = compression == JPEG and photometric == YCBCR and not is_planar
    if jpeg_is_ycbcr:
        photometric = RGB
    elif photometric == YCBCR and compression != OLD_JPEG:
        subsampling = read_subsampling(directory)
    is_tiled = TILE_WIDTH in directory
    segment_size_px = read_segment_size(directory, is_tiled=is_tiled)
    layout = Layout(
        width_px=directory.width_px,
        height_px=directory.height_px,
        order=directory.order,
        bits=bits,
        number_format=number_format,
        samples=samples,
        is_planar=is_planar,
        compression=compression,
        predictor=directory.integer(PREDICTOR, 1) if COMPRESSIONS[compression].predicts else 1,
        is_bit_reversed=directory.integer(FILL_ORDER, 1) == 2,
        photometric=photometric,
        subsampling=subsampling,
        alpha=alpha,
        alpha_sample=alpha_sample,
        is_tiled=is_tiled,
        segment_width_px=segment_size_px[0],
        segment_height_px=segment_size_px[1],
        jpeg_is_ycbcr=jpeg_is_ycbcr,
    )
    check_depth(layout)
    return layout


def read_subsampling(directory: Directory) -> tuple[int, int]:
    """Return the pixels per chroma sample across and down."""
    values = directory.integers(SUBSAMPLING, 2)
    across, down = (int(value) for value in values) if len(values) == 2 else (2, 2)
    if not {across, down} <= {1, 2, 4}:
        raise CorruptImageError("The TIFF's chroma subsampling is not 1, 2 or 4.")
    return across, down


def read_segment_size(directory: Directory, *, is_tiled: bool) -> tuple[int, int]:
    """Return width and height of a tile, or of all strips but the last."""
    if not is_tiled:
        rows = directory.integer(ROWS_PER_STRIP)
        return directory.width_px, rows if 0 < rows < directory.height_px else directory.height_px
    width, height = directory.integer(TILE_WIDTH), directory.integer(TILE_LENGTH)
    if width < 1 or height < 1:
        raise CorruptImageError("The TIFF's tiles have no size.")
    return width, height


def read_bits(directory: Directory) -> tuple[int, int]:
    """Return bits per sample, and samples per pixel."""
    depths = directory.integers(BITS_PER_SAMPLE, MAX_SAMPLES)
    samples = directory.integer(SAMPLES_PER_PIXEL, max(1, len(depths)))
    if not 0 < samples <= MAX_SAMPLES:
        raise UnsupportedImageError(f"TIFFs with {samples} samples per pixel are not supported.")
    different = {int(bits) for bits in depths[:samples]} or {1}
    if len(different) > 1:
        raise UnsupportedImageError("TIFFs with samples of different depths are not supported.")
    return different.pop(), samples


def read_number_format(directory: Directory, bits: int) -> NumberFormat:
    """Return whether samples are unsigned, signed or floating-point numbers."""
    formats = {int(value) for value in directory.integers(SAMPLE_FORMAT, MAX_SAMPLES)} or {1}
    if len(formats) > 1:
        raise UnsupportedImageError("TIFFs with samples of different formats are not supported.")
    number_format = NUMBER_FORMATS.get(formats.pop())
    if number_format is None:
        raise UnsupportedImageError("TIFFs with complex numbers are not supported.")
    if bits not in (FLOAT_BITS if number_format == "float" else INTEGER_BITS):
        raise UnsupportedImageError(f"TIFFs with {bits}-bit {number_format} are not supported.")
    return number_format


def read_photometric(directory: Directory, samples: int) -> int:
    """Return the photometric interpretation; without one, what libtiff takes for it."""
    if PHOTOMETRIC not in directory:
        is_fax = directory.integer(COMPRESSION, 1) in FAXES
        if samples < 3:
            return WHITE_IS_ZERO if is_fax else BLACK_IS_ZERO
        return RGB
    photometric = directory.integer(PHOTOMETRIC)
    is_log = directory.integer(COMPRESSION, 1) in {SGI_LOG, SGI_LOG_24}
    if photometric in CHANNELS and is_log == (photometric in {LOG_L, LOG_LUV}):
        return photometric
    name = UNSUPPORTED_PHOTOMETRICS.get(photometric, f"Photometric interpretation {photometric}")
    raise UnsupportedImageError(f"{name} in a TIFF is not supported.")


def read_alpha(directory: Directory, photometric: int, samples: int) -> tuple[Alpha, int]:
    """Return the kind of alpha and the index of its sample.

    The first extra sample that is said to be alpha counts. A single one without a meaning is probably
    alpha, as libtiff, libvips and ImageMagick have it.
    """
    colours = CHANNELS[photometric]
    kinds = directory.integers(EXTRA_SAMPLES, MAX_SAMPLES)[: samples - colours]
    for index, kind in enumerate(kinds, colours):
        if kind in {ASSOCIATED_ALPHA, UNASSOCIATED_ALPHA}:
            return ("premultiplied" if kind == ASSOCIATED_ALPHA else "straight"), index
    return ("probable" if samples == colours + 1 else "none"), colours


def check_depth(layout: Layout) -> None:
    """Check depth and memory.

    Raises:
        CorruptImageError: when segments are far larger than the image.
        UnsupportedImageError: when a photometric interpretation is not supported at this depth.
    """
    is_float = layout.number_format == "float"
    names = {SEPARATED: "CMYK", YCBCR: "YCbCr", PALETTE: "Palette"}
    names |= dict.fromkeys((CIE_LAB, ICC_LAB, ITU_LAB), "Lab")
    if name := names.get(layout.photometric):
        deepest = {PALETTE: 16, SEPARATED: 64}.get(layout.photometric, 16)
        if is_float or layout.bits > deepest:
            kind = "float" if is_float else "integer"
            raise UnsupportedImageError(
                f"{name} of {layout.bits}-bit {kind} in a TIFF is not supported."
            )
        if name in {"YCbCr", "Lab"} and layout.bits not in {8, 16}:
            raise UnsupportedImageError(f"{name} of {layout.bits} bits in a TIFF is not supported.")
    if layout.has_units and layout.samples != layout.colours:
        raise UnsupportedImageError(
            "Subsampled YCbCr with extra samples in a TIFF is not supported."
        )
    if layout.compression in FAXES and (layout.bits, layout.segment_samples) != (1, 1):
        raise UnsupportedImageError("CCITT compression of more than one bit is not supported.")
    pixels = layout.width_px * layout.height_px
    segment_bytes = layout.stored_bytes(layout.segment_height_px, layout.segment_width_px)
    if layout.compression in FAXES:
        # libtiff decodes to four bytes for a pixel.
        segment_bytes = 4 * layout.segment_height_px * layout.segment_width_px
    if segment_bytes > max(SMALL_SEGMENT_BYTES, SEGMENT_BYTES_PER_PIXEL * pixels):
        if layout.is_tiled:
            raise CorruptImageError("The TIFF's tiles are larger than the image.")
        raise UnsupportedImageError("TIFFs of more than 24 bytes per pixel are not supported.")
