"""The encoder's constants, each with a step that changes files by about the same amount."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from codec.jpeg.quantize.tuning import Sensitivity, Tuning

Constants = dict[str, float]  # "cb.weight": 0.9
LEAST_RISE: Final = 0.05


@dataclass(frozen=True)
class Axis:
    """The step and the bounds of a constant."""

    unit: float
    """Size of one step of the constant, or of its logarithm if there is a `shift`."""
    shift: float | None = None
    """Is added before taking the logarithm."""
    least: float = 0.0
    most: float = math.inf

    def move(self, value: float, units: float) -> float:
        """Return the constant moved by `units` steps, within its bounds."""
        if self.shift is None:
            moved = value + units * self.unit
        else:
            moved = (value + self.shift) * math.exp(units * self.unit) - self.shift
        return min(max(moved, self.least), self.most)

    def count_steps(self, start: float, end: float) -> float:
        """Return the number of steps from one value to another; infinite where a logarithm is."""
        if self.shift is None:
            return (end - start) / self.unit
        if end + self.shift <= 0:
            return -math.inf
        return math.log((end + self.shift) / (start + self.shift)) / self.unit


_RATIO: Final = Axis(0.15, shift=0.0)
_SHARE: Final = Axis(0.25, shift=0.3)
_EXPONENT: Final = Axis(0.1)
# All constants except luma's weight, which sets the scale of the others.
AXES: Final = {
    "luma.tilt": _EXPONENT,
    "luma.low": _SHARE,
    "luma.dc": _SHARE,
    "cb.weight": _RATIO,
    "cb.tilt": _EXPONENT,
    "cb.low": _SHARE,
    "cb.dc": _SHARE,
    "cr.weight": _RATIO,
    "cr.tilt": _EXPONENT,
    "cr.low": _SHARE,
    "cr.dc": _SHARE,
    "steepness": Axis(0.08),
    "rd_lambda": _RATIO,
    "masking": Axis(0.04, most=0.6),
    "masking_floor": Axis(0.4, shift=0.0, most=20_000.0),
    "saliency_ratio": Axis(0.15, shift=0.0, least=1.0, most=256.0),
    "rise_from": Axis(0.04, most=0.85),
    "rise_to": Axis(0.04, most=1.0),
}


def list_constants(tuning: Tuning) -> Constants:
    """Return every constant by name."""
    found: Constants = {}
    for field in fields(tuning):
        value = getattr(tuning, field.name)
        if isinstance(value, Sensitivity):
            found |= {f"{field.name}.{f.name}": getattr(value, f.name) for f in fields(value)}
        else:
            found[field.name] = value
    return found


def build_tuning(constants: Mapping[str, float]) -> Tuning:
    """Return the tuning with these constants."""
    parts: dict[str, dict[str, float]] = {}
    plain: dict[str, Any] = {}
    for name, value in constants.items():
        group, _, member = name.rpartition(".")
        if group:
            parts.setdefault(group, {})[member] = value
        else:
            plain[name] = value
    plain |= {group: Sensitivity(**members) for group, members in parts.items()}
    return Tuning(**plain)


def move(constants: Constants, units: Mapping[str, float]) -> Constants:
    """Return the constants moved by steps; `rise_to` stays above `rise_from`."""
    moved = dict(constants)
    for name, step in units.items():
        moved[name] = AXES[name].move(constants[name], step)
    moved["rise_to"] = max(moved["rise_to"], moved["rise_from"] + LEAST_RISE)
    return moved
