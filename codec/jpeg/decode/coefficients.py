"""The quantized coefficients of an uploaded JPEG, read strictly (T.81 Annexes B, F and G).

A damaged file is refused, because a repair would be a guess. The caller then decodes it to pixels.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.jit import kernel
from codec.jpeg.decode.decoder import Decoder
from codec.jpeg.decode.frame_header import FRAMES, Frame
from codec.jpeg.decode.marker_segments import (
    EOI,
    Segment,
    SegmentReader,
    UnreadableSourceError,
    is_jfif,
    list_preamble,
    read_adobe_transform,
    read_own_checksum,
    strip_metadata,
)

_LARGEST_COEF: Final = 4096
"""Largest dequantized coefficient. 8-bit samples have none above 1,300, so larger ones are damage; the
encoder's 16 bits would not hold them after further processing."""


@dataclass(frozen=True, slots=True)
class Source:
    """The quantized coefficients of a JPEG, padded to whole MCUs."""

    width: int
    height: int
    horizontal: int
    """Luma blocks across for each block of chroma, 1 or 2."""
    vertical: int
    """Luma blocks down for each block of chroma, 1 or 2."""
    qcoefs: list[NDArray[np.int16]]
    """(blocks_y, blocks_x, 64) zigzag of each of one or three components, luma first."""
    quant_tables: list[NDArray[np.uint16]]
    """(64,) zigzag, of each component."""
    is_progressive: bool
    stripped: bytes
    """The file without metadata and with EOI; the file itself where it has no metadata. Empty if a part
    was cut out."""
    is_reoriented: bool = False
    """Whether an orientation was applied or a part cut out, so that `stripped` shows another image."""
    own_checksum: bytes = b""
    """The checksum in the mark of a file of ours (`codec.jpeg.syntax.own_mark`); empty without one."""


def is_complete(data: bytes) -> bool:
    """Return whether a Huffman-coded file has every bit of every coefficient; it may lack EOI.

    It may have any sampling and up to four components. This takes memory as `read_source` does.
    """
    data = _terminate(data)
    decoder = Decoder(data)
    try:
        reader = SegmentReader(data)
        for segment in reader:
            reader.at = decoder.process(segment)
    except UnreadableSourceError:
        return False
    return decoder.is_complete


def read_source(data: bytes) -> Source:
    """Return the coefficients of the first image in `data`, which may lack EOI.

    This takes two bytes of memory for each sample that the header announces, so callers limit the
    number of pixels first.

    Raises:
        UnreadableSourceError: the file is damaged in any way; it is arithmetic-coded, lossless,
            hierarchical or of 12 bits; it is RGB or has four components; its sampling is not 4:4:4,
            4:2:2, 4:4:0 or 4:2:0; a quantization step exceeds 255; or a progressive file lacks scans.
    """
    data = _terminate(data)
    reader, decoder = SegmentReader(data), Decoder(data)
    segments: list[Segment] = []
    sampling = (1, 1)
    for segment in reader:
        reader.at = decoder.process(segment)
        segments.append(segment)
        if segment.marker in FRAMES and decoder.frame is not None:
            sampling = decoder.frame.sampling
    frame = decoder.frame
    if frame is None or not decoder.is_complete:
        raise UnreadableSourceError("the file ends before all coefficients are complete")
    preamble = list_preamble(segments)
    if len(frame.components) == 3 and not _is_ycbcr(frame, preamble):
        raise UnreadableSourceError("the components are not YCbCr")
    tables = [table for table in decoder.tables if table is not None]
    if len(tables) != len(decoder.tables):
        raise UnreadableSourceError("a component has no quantization table")
    horizontal, vertical = sampling
    rows = -(-frame.height // (8 * vertical))
    columns = -(-frame.width // (8 * horizontal))
    qcoefs = []
    for i, plane in enumerate(decoder.planes):
        factors = (1, 1) if i else (vertical, horizontal)
        # The file's MCUs may be larger than the sampling requires; these blocks are enough.
        needed = plane[: rows * factors[0], : columns * factors[1]]
        qcoefs.append(np.ascontiguousarray(needed))
        largest = _find_largest(qcoefs[i])
        if (largest * tables[i].astype(np.int64)).max() > _LARGEST_COEF:
            raise UnreadableSourceError("coefficients are out of range")
    return Source(
        frame.width,
        frame.height,
        horizontal,
        vertical,
        qcoefs,
        tables,
        frame.is_progressive,
        strip_metadata(data, segments, reader.at),
        own_checksum=next(filter(None, map(read_own_checksum, preamble)), b""),
    )


@kernel
def _find_largest(qcoefs: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return the largest magnitude of each coefficient (64,)."""
    largest = np.zeros(64, np.int16)
    for by in range(qcoefs.shape[0]):
        for bx in range(qcoefs.shape[1]):
            for k in range(64):
                value = qcoefs[by, bx, k]
                largest[k] = max(largest[k], value, -value)
    return largest


def _terminate(data: bytes) -> bytes:
    """Return a file with EOI; without one, its last scan ends with the file, or with half of EOI."""
    eoi = bytes((0xFF, EOI))
    return data if data.endswith(eoi) else data.rstrip(b"\xff") + eoi


def _is_ycbcr(frame: Frame, segments: list[Segment]) -> bool:
    """Return whether three components are YCbCr, by libjpeg's rule (jdapimin.c, default_decompress_parms)."""
    if any(is_jfif(segment) for segment in segments):
        return True
    transforms = [t for s in segments if (t := read_adobe_transform(s)) is not None]
    if transforms:
        return transforms[-1] == 1
    return bytes(component.identifier for component in frame.components) != b"RGB"
