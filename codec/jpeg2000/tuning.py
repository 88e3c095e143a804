"""How strongly `strength` moves bits: the weights of the most salient pixels over the background's."""

from typing import Final

DEFAULT_STRENGTH: Final = 0.6
DEFAULT_RATIO: Final = 8.0
"""Weight of the most salient pixels at `DEFAULT_STRENGTH`."""
FULL_RATIO: Final = 20.0
"""That at strength 1."""
RISE: Final = (0.5, 0.95)
"""Ranks by area between which the weight rises."""


def choose_weights(strength: float) -> tuple[float, tuple[float, float]]:
    """Return the ratio and the rise of the weights for `strength` in 0..1; at 0 the ratio is 1."""
    if strength <= DEFAULT_STRENGTH:
        return DEFAULT_RATIO ** (strength / DEFAULT_STRENGTH), RISE
    share = (strength - DEFAULT_STRENGTH) / (1.0 - DEFAULT_STRENGTH)
    return DEFAULT_RATIO * (FULL_RATIO / DEFAULT_RATIO) ** share, RISE
