"""The settings of a set of weights, and the constants that belong to the network's shape."""

from dataclasses import dataclass
from typing import Final

MAP_STRIDE: Final = 8
# Limit of the class maps' logarithms: keeps their exponentials finite. The weak weights reach it on
# people, the calibrated ones stay below 6.
MAX_LOG_EVIDENCE: Final = 10.0
# Sides of the windows in which the map tests presence, as a share of the photo's.
WINDOW_SHARE: Final = 1 / 4
# The scaling that the backbone was trained with. With the usual ImageNet constants its top-1
# accuracy is 11 points lower.
PIXEL_MEAN: Final = 127.0
PIXEL_STD: Final = 128.0


@dataclass(frozen=True)
class MSROIConfig:
    """Settings that belong to a set of weights; stored inside the weights file."""

    classes: tuple[str, ...]
    features_per_class: int = 2  # D in the paper
    # T: a class is present when its mean evidence exceeds it, which are the odds of its presence.
    # The map counts it if it does so in a window of `WINDOW_SHARE`: small objects count, too.
    # The default only serves training; step three chooses it on fold 1 (docs/training.md).
    threshold: float = 0.002
    smoothing_cells: float = 1.0  # standard deviation of the Gaussian, in samples of the map
    # Photos are scaled to about this area with their aspect kept; both sides are multiples of 32.
    input_area_px: int = 480 * 320
    # Of step three: whether class maps also read features of the coarse strides; and how many
    # features make the calibrated map. With 0 it is the sum over the present classes.
    context: bool = False
    gaze_features: int = 0
    # The map's sum divides each class by the mean of its evidence to this power. 0 is the paper's sum.
    levelling: float = 0.0


def find_window_length(samples: int) -> int:
    """Return the side of a window along an axis of the map, both in samples."""
    return max(1, round(samples * WINDOW_SHARE))
