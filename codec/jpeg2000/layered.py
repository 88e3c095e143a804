"""The image coded once by OpenJPEG, in many layers, and what the layers are worth.

OpenJPEG cuts layers by rate–distortion slope (`opj_tcd_makelayer` in its tcd.c), here at given PSNRs. So
a layer's distortion is known without decoding, and with its bytes its slope.
"""

import contextlib
import io
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from codec.jpeg2000.codestream import Header, read_header
from codec.jpeg2000.layout import Layout, plan_layout
from codec.jpeg2000.packet_reader import Blocks, UnexpectedCodestreamError, read_blocks

BLOCK_PX: Final = 32
"""Sides of code-blocks: smaller ones follow the map more closely, and cost more."""
MAX_LEVELS: Final = 5
STEPS_DB: Final = (0.6, 2.4, 8.0)
"""PSNR between two layers. The larger ones are for images for whose packet headers OpenJPEG allocates too
little: it allows for 500 bytes and 1.4 times the samples, whatever the number of layers."""
_FIRST_DB: Final = 16.0
_LAST_DB: Final = 55.0
_ALL: Final = 0.0
"""Pillow's number for a layer that takes all that is left."""


@dataclass(frozen=True)
class Layered:
    """An image in many layers."""

    header: Header
    layout: Layout
    blocks: Blocks
    log_slopes: NDArray[np.float64]
    """(layers,): logarithm of the squared error, per sample, that a byte of each layer saves; never rising."""


def code_layers(image: NDArray[np.uint8]) -> Layered:
    """Return `image`, (h, w, 3) sRGB or (h, w) grey, in many layers.

    Raises:
        OSError: OpenJPEG can't code the image, because memory is short.
        UnexpectedCodestreamError: OpenJPEG has written what the readers don't expect.
    """
    for step_db in STEPS_DB[:-1]:
        with contextlib.suppress(OSError):
            return _code_layers(image, step_db)
    return _code_layers(image, STEPS_DB[-1])


def _code_layers(image: NDArray[np.uint8], step_db: float) -> Layered:
    psnrs = np.arange(_FIRST_DB, _LAST_DB, step_db)
    data = run_openjpeg(image, [*psnrs.tolist(), _ALL])
    header = read_header(data)
    height, width = image.shape[:2]
    expected = ((width, height), 1 if image.ndim == 2 else 3)
    if (header.size, header.components) != expected:
        raise UnexpectedCodestreamError("OpenJPEG's codestream is of another size")
    layout = plan_layout(header.size, header.components, header.levels, header.block)
    packets = np.frombuffer(data, np.uint8)[:-2]
    blocks = read_blocks(packets, header.start, layout, header.layers)
    return Layered(header, layout, blocks, find_log_slopes(psnrs, blocks))


def run_openjpeg(image: NDArray[np.uint8], psnrs: list[float]) -> bytes:
    """Return OpenJPEG's codestream: 9-7 wavelet, one tile, a layer for each PSNR in dB."""
    file = io.BytesIO()
    Image.fromarray(image).save(
        file,
        format="JPEG2000",
        no_jp2=True,
        irreversible=True,
        mct=1 if image.ndim == 3 else 0,
        num_resolutions=count_levels(image.shape[0], image.shape[1]) + 1,
        codeblock_size=(BLOCK_PX, BLOCK_PX),
        quality_mode="dB",
        quality_layers=psnrs,
    )
    return file.getvalue()


def count_levels(height: int, width: int) -> int:
    """Return the levels of decomposition: up to `MAX_LEVELS`, as long as the shorter side can be halved."""
    return min(MAX_LEVELS, min(height, width).bit_length() - 1)


def find_log_slopes(psnrs: NDArray[np.float64], blocks: Blocks) -> NDArray[np.float64]:
    """Return the logarithms of the layers' slopes: (layers,), never rising.

    Args:
        psnrs: in dB, evenly rising, of all layers but the last, which has all that is left.
        blocks: what the layers hold.
    """
    added = np.diff(blocks.lengths.sum(0, dtype=np.int64))[:-1]
    errors = 10.0 ** (-psnrs / 10)
    # The error before the first layer that has bytes is unknown; so is what the last layer saves.
    known = np.flatnonzero(added)[1:]
    step = np.log(10.0) / 10 * (psnrs[1] - psnrs[0])
    if not len(known):
        even: NDArray[np.float64] = -step * np.arange(len(psnrs) + 1.0)
        return even
    slopes = np.log((errors[known - 1] - errors[known]) / added[known])
    # Layers without bytes get a slope as well, so that all of them fall.
    places = np.arange(-1, len(psnrs) + 1.0)
    filled = np.interp(places[1:], known, slopes)
    filled += step * (np.maximum(known[0] - places[1:], 0) - np.maximum(places[1:] - known[-1], 0))
    falling: NDArray[np.float64] = np.minimum.accumulate(filled)
    return falling
