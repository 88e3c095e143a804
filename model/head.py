"""From the class maps to the saliency map, in numpy: `MSROI.saliency` without torch."""

import json
from dataclasses import asdict, dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from model.config import MSROIConfig, find_window_length
from model.maps import normalise, smoothing_matrix


@dataclass(frozen=True)
class Head:
    """The settings and weights that follow the class maps; `model.msroi` explains them."""

    config: MSROIConfig
    log_feature_weights: NDArray[np.float32]  # (C, D)
    log_prior_y: NDArray[np.float32]  # (knots,)
    log_prior_x: NDArray[np.float32]  # (knots,)

    def to_json(self) -> str:
        """Return the head as text; every float32 is kept exactly."""
        arrays = {name: getattr(self, name).tolist() for name in ARRAYS}
        return json.dumps({"config": asdict(self.config), **arrays}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Head":
        """Return the head that `to_json` wrote.

        Raises:
            KeyError, TypeError: the text is of another version.
        """
        stored = json.loads(text)
        config = stored["config"]
        return cls(
            # JSON has no tuples.
            MSROIConfig(**{**config, "classes": tuple(config["classes"])}),
            *(np.array(stored[name], np.float32) for name in ARRAYS),
        )

    def draw(
        self, class_maps: NDArray[np.float32], gaze: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """Return the smoothed saliency map with a maximum of 1: (h, w, C·D), (h, w) -> (h, w)."""
        evidence = self._sum_present(class_maps) if gaze is None else gaze
        height, width = evidence.shape
        # The prior is a product of one factor for each row and one for each column.
        rows = self._smoothing(height) * self._prior(self.log_prior_y, height)
        columns = self._smoothing(width) * self._prior(self.log_prior_x, width)
        return normalise(rows @ evidence @ columns.T)

    def _sum_present(self, class_maps: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the weighted sum over the present classes: (h, w, C·D) -> (h, w)."""
        height, width, _ = class_maps.shape
        samples = class_maps.reshape(height * width, -1)  # -> (h·w, C·D)
        # numpy's own mean takes three times as long along this axis
        z = np.einsum("nf->f", samples).reshape(self.log_feature_weights.shape).sum(1) / len(
            samples
        )
        present = self._find_highest(class_maps) > self.config.threshold  # (C,)
        present |= z == z.max()  # the likeliest class always counts
        # An absent class may have no evidence at all, and 0 has no negative power.
        levels = np.zeros_like(z)
        levels[present] = z[present] ** -self.config.levelling
        weights = np.exp(self.log_feature_weights) * levels[:, None]  # (C, D)
        evidence: NDArray[np.float32] = (samples @ weights.ravel()).reshape(height, width)
        return evidence

    def _find_highest(self, class_maps: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return each class's highest mean over a window: (h, w, C·D) -> (C,)."""
        height, width, _ = class_maps.shape
        means = class_maps.reshape(height, width, *self.log_feature_weights.shape).sum(3)
        for axis, samples in enumerate((height, width)):
            length = find_window_length(samples)
            means = sliding_window_view(means, length, axis).mean(-1)
        highest: NDArray[np.float32] = means.max((0, 1))
        return highest

    def _smoothing(self, samples: int) -> NDArray[np.float32]:
        return smoothing_matrix(samples, self.config.smoothing_cells)

    @staticmethod
    def _prior(log_knots: NDArray[np.float32], samples: int) -> NDArray[np.float32]:
        """Return the prior along an axis, linear between the knots' logarithms: (k,) -> (n,)."""
        positions = (np.arange(samples) + 0.5) * len(log_knots) / samples - 0.5
        logs = np.interp(positions, np.arange(len(log_knots)), log_knots)
        return np.exp(logs).astype(np.float32)


ARRAYS = ("log_feature_weights", "log_prior_y", "log_prior_x")
