"""How strongly `strength` moves bits: the weights of the most salient pixels over the background's.

Chosen on 60 photos of OSIE that the network was trained on, and eight lossless ones of 1.1 megapixels
(docs/research/jpeg2000.md).
"""

from typing import Final

DEFAULT_STRENGTH: Final = 0.6
DEFAULT_RATIO: Final = 5.5
"""Weight of the most salient pixels at `DEFAULT_STRENGTH`."""
FULL_RATIO: Final = 14.0
"""That at strength 1."""
RISE: Final = (0.5, 0.95)
"""Ranks by area between which the weight rises."""
POWER: Final = 4
"""Of the mean over a code-block: 1 is the arithmetic mean, infinity the largest weight."""
FINEST: Final = 0.9
"""Exponent on weights of the finest level."""
CHROMA: Final = 0.5
"""Exponent on weights of chroma."""

SMALL_BLOCK_PX: Final = 32
"""Sides of code-blocks with a map: small ones follow it more closely, and cost more."""
BLOCK_PX: Final = 64
"""The largest, which OpenJPEG has by default: without a map, and for large images."""
LARGE_PX: Final = 2_000_000
"""Pixels from which an image is large."""


def choose_block_px(pixels: int, *, has_map: bool) -> int:
    """Return the sides of the code-blocks of an image of so many pixels."""
    return SMALL_BLOCK_PX if has_map and pixels < LARGE_PX else BLOCK_PX


def choose_weights(strength: float) -> tuple[float, tuple[float, float]]:
    """Return the ratio and the rise of the weights for `strength` in 0..1; at 0 the ratio is 1."""
    if strength <= DEFAULT_STRENGTH:
        return DEFAULT_RATIO ** (strength / DEFAULT_STRENGTH), RISE
    share = (strength - DEFAULT_STRENGTH) / (1.0 - DEFAULT_STRENGTH)
    return DEFAULT_RATIO * (FULL_RATIO / DEFAULT_RATIO) ** share, RISE
