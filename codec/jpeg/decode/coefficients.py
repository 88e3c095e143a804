"""A JPEG's own coefficients, read without decoding them to samples (T.81 Annexes B, F and G).

A damaged file is refused, never repaired: a repair would be a guess. The caller then decodes the
file to pixels instead.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.decode.decoder import Decoder
from codec.jpeg.decode.frame_header import Frame
from codec.jpeg.decode.marker_segments import (
    Segment,
    SegmentReader,
    UnreadableSourceError,
    is_jfif,
    list_preamble,
    read_adobe_transform,
    strip_metadata,
)

# Dequantized. 8-bit samples have none above 1,300; larger ones are damage, and what the encoder
# makes of them wouldn't fit into its 16 bits.
_LARGEST_COEF: Final = 4096


@dataclass(frozen=True, slots=True)
class Source:
    """The quantized coefficients of a JPEG, luma first, in whole MCUs of 8×8 blocks."""

    width: int
    height: int
    horizontal: int
    """Luma blocks across for each block of chroma, 1 or 2."""
    vertical: int
    """The same down."""
    qcoefs: list[NDArray[np.int16]]
    """One or three of (blocks_y, blocks_x, 64) zigzag."""
    quant_tables: list[NDArray[np.uint16]]
    """(64,) zigzag, of each component."""
    is_progressive: bool
    stripped: bytes
    """The file without metadata; the file itself where it has none."""
    is_turned: bool = False
    """Whether `qcoefs` and sides are no longer those of `stripped`."""


def read_source(data: bytes) -> Source:
    """Return the coefficients of the first picture in `data`.

    Memory is two bytes for each sample that the header announces, so sides are to be held to a limit
    before.

    Raises:
        UnreadableSourceError: the file is damaged in any way; arithmetic-coded, lossless,
            hierarchical or of 12 bits; RGB or of four components; of another sampling than 4:4:4,
            4:2:2, 4:4:0 and 4:2:0; with quantization steps above 255; or progressive and
            unfinished.
    """
    reader = SegmentReader(data)
    decoder = Decoder(data)
    segments: list[Segment] = []
    for segment in reader:
        reader.at = decoder.take(segment)
        segments.append(segment)
    frame = decoder.frame
    if frame is None or not decoder.is_complete:
        raise UnreadableSourceError("a file that ends before its picture does")
    if len(frame.components) == 3 and not _is_ycbcr(frame, list_preamble(segments)):
        raise UnreadableSourceError("components that are not YCbCr")
    tables = [table for table in decoder.tables if table is not None]
    if len(tables) != len(decoder.tables):
        raise UnreadableSourceError("a component without its quantization table")
    horizontal, vertical = frame.sampling
    rows = -(-frame.height // (8 * vertical))
    columns = -(-frame.width // (8 * horizontal))
    qcoefs = []
    for i, plane in enumerate(decoder.planes):
        factors = (1, 1) if i else (vertical, horizontal)
        # Where the file's MCUs were larger than they need be, less of them is filled up.
        whole = plane[: rows * factors[0], : columns * factors[1]]
        qcoefs.append(np.ascontiguousarray(whole))
        largest = np.maximum(whole.max(axis=(0, 1)), -whole.min(axis=(0, 1)))
        if (largest * tables[i].astype(np.int64)).max() > _LARGEST_COEF:
            raise UnreadableSourceError("coefficients out of range")
    return Source(
        frame.width,
        frame.height,
        horizontal,
        vertical,
        qcoefs,
        tables,
        frame.is_progressive,
        strip_metadata(data, segments, reader.at),
    )


def _is_ycbcr(frame: Frame, segments: list[Segment]) -> bool:
    """Return what libjpeg's rule says of three components (jdapimin.c, default_decompress_parms)."""
    if any(is_jfif(segment) for segment in segments):
        return True
    transforms = [t for s in segments if (t := read_adobe_transform(s)) is not None]
    if transforms:
        return transforms[-1] == 1
    return bytes(component.identifier for component in frame.components) != b"RGB"
