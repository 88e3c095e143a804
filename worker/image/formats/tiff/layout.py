"""How a TIFF stores its samples: depth, channels, strips and tiles."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, MASK, SEPARATED, YCBCR = range(7)
CIE_LAB, ICC_LAB, ITU_LAB = 8, 9, 10
LOG_L, LOG_LUV = 32_844, 32_845
CHANNELS: Final = {
    WHITE_IS_ZERO: 1,
    BLACK_IS_ZERO: 1,
    RGB: 3,
    PALETTE: 1,
    MASK: 1,
    SEPARATED: 4,
    YCBCR: 3,
    CIE_LAB: 3,
    ICC_LAB: 3,
    ITU_LAB: 3,
    LOG_L: 1,
    LOG_LUV: 3,
}
Alpha = Literal["none", "straight", "premultiplied", "probable"]
NumberFormat = Literal["unsigned", "signed", "float"]


@dataclass(frozen=True, slots=True)
class Layout:
    """How samples are stored."""

    width_px: int
    height_px: int
    order: str
    bits: int
    number_format: NumberFormat
    samples: int
    """Samples per pixel, extra samples included."""
    is_planar: bool
    compression: int
    predictor: int
    is_bit_reversed: bool
    photometric: int
    subsampling: tuple[int, int]
    """Pixels per chroma sample across and down, (1, 1) if it is not YCbCr."""
    alpha: Alpha
    alpha_sample: int
    is_tiled: bool
    segment_width_px: int
    segment_height_px: int
    jpeg_is_ycbcr: bool
    """Whether JPEGs hold YCbCr, which their decoder converts to RGB."""

    @property
    def dtype(self) -> type[np.uint8 | np.uint16 | np.float32]:
        """Type of the samples of `scale`."""
        if self.number_format == "float" or self.bits > 16:
            return np.float32
        return np.uint8 if self.bits <= 8 else np.uint16

    @property
    def colours(self) -> int:
        """Number of the photometric interpretation's samples."""
        return CHANNELS[self.photometric]

    @property
    def channels(self) -> list[int]:
        """Indices of the samples to read: colours, then alpha if any."""
        alpha = [] if self.alpha == "none" else [self.alpha_sample]
        return [*range(self.colours), *alpha]

    @property
    def segment_samples(self) -> int:
        """Samples per pixel in one segment."""
        return 1 if self.is_planar else self.samples

    @property
    def has_units(self) -> bool:
        """Whether pixels are stored by units of subsampled YCbCr (TIFF 6.0, section 21)."""
        return self.subsampling != (1, 1) and not self.is_planar

    def plane_subsampling(self, plane: int) -> tuple[int, int]:
        """Return the pixels per sample across and down of a separate plane."""
        return self.subsampling if self.is_planar and plane in {1, 2} else (1, 1)

    def stored_bytes(self, rows: int, width: int) -> int:
        """Return the decoded size of so many rows and columns of a strip or tile."""
        if self.has_units:
            across, down = self.subsampling
            units = -(-width // across) * -(-rows // down)
            return units * (across * down + 2) * (self.bits // 8)
        return rows * -(-width * self.segment_samples * self.bits // 8)
