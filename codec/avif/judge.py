"""Compares a file with the reference: the same two errors that JPEGs are held to, in the same regions.

The errors are those of `codec.jpeg.quantize.distortion`, of the decoded picture against the original.
"""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from codec.avif.libaom import read_avif
from codec.avif.start import choose_lenience
from codec.jpeg.components import split_components
from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.distortion import Errors
from codec.jpeg.quantize.tuning import choose_tuning
from codec.jpeg.rate_control.target import Goal, set_goal
from codec.settings import EncodeSettings

_ONES: Final = np.ones(64, np.uint16)


class Judge:
    """Holds the original's coefficients."""

    def __init__(
        self,
        image: NDArray[np.uint8],
        saliency: NDArray[np.float32] | None,
        settings: EncodeSettings,
    ) -> None:
        """Transform the original, (h, w, 3) sRGB or (h, w) grey, with its map."""
        self._tuning = choose_tuning(settings.tune, settings.strength)
        self._is_grey = image.ndim == 2
        # As in the reference, chroma is compared at half its size.
        self._components = split_components(image, saliency, subsample=True, tuning=self._tuning)

    def set_goal(self, settings: EncodeSettings, reference_bytes: int) -> Goal:
        """Return the goal of `target=quality`."""
        # The lenience was fitted to all of the reference's errors.
        goal = set_goal(settings, Blocks(self._components), reference_bytes, visible_share=1.0)
        assert goal.allowed is not None
        factor = choose_lenience(settings)
        return replace(goal, allowed=Errors(*(factor * error for error in goal.allowed)))

    def measure(self, avif: bytes) -> Errors:
        """Return the errors of a file."""
        decoded = read_avif(avif)
        if self._is_grey:
            decoded = np.ascontiguousarray(decoded[..., 0])
        own = split_components(decoded, None, subsample=True, tuning=self._tuning)
        differences = [
            replace(component, coefs=component.coefs - other.coefs)
            for component, other in zip(self._components, own, strict=True)
        ]
        return Blocks(differences).measure([_ONES] * len(differences))
