"""Known curves in place of an image's passes, on which a rate search takes the same path everywhere."""

import math
from dataclasses import dataclass, field
from types import SimpleNamespace

from codec.jpeg.rate_control.passes import Point


@dataclass(frozen=True, slots=True)
class Curve:
    """An error that falls with the log steps of table and λ."""

    root: float
    """Log step of table and λ without error."""
    table_slope: float = -0.4
    lambda_slope: float = -0.35
    bend: float = 0.0
    """Factor on the squared distance from the root."""
    grid: float = 0.0
    """Distance between the log steps of tables that differ."""
    bias: float = 0.0
    """Error of a full pass less that of a sampled one."""
    jump: float = 0.0
    """Height of a jump at the root, over which no pass is near the goal."""
    freeze: float = 0.0
    """Error that passes have until their rates are frozen."""

    def find_error(self, table: float, ahead: float) -> float:
        """Return the error at the log step `table` with λ `ahead` of it."""
        if self.grid:
            table = self.grid * round(table / self.grid)
        distance = table - self.root
        error = (self.table_slope + self.lambda_slope) * distance + self.lambda_slope * ahead
        error -= self.bend * distance * abs(distance)
        return error + math.copysign(self.jump, error)


CURVES = {
    "typical": Curve(3.1),
    "biased": Curve(2.2, bias=0.02),
    "biased far": Curve(2.2, bias=-0.12),
    "steep": Curve(3.6, table_slope=-1.4, lambda_slope=-0.9, bias=0.05),
    "flat": Curve(1.3, table_slope=-0.1, lambda_slope=-0.02, bias=0.01),
    "bent": Curve(4.4, bend=0.3, bias=0.06),
    "coarse tables": Curve(2.9, grid=0.3, bias=0.03),
    "tables far apart": Curve(2.95, table_slope=-0.9, lambda_slope=-0.12, grid=0.5, bias=-0.09),
    "frozen": Curve(3.3, bias=0.1, freeze=0.03),
    "slowly frozen": Curve(3.3, grid=0.4, bias=-0.2, freeze=-0.09),
    "jump": Curve(3.05, jump=0.02),
    "high jump": Curve(3.05, table_slope=-0.3, lambda_slope=-0.3, jump=0.4),
    "slightly biased": Curve(2.2, bias=0.009),
    "short of bytes": Curve(3.0, table_slope=-0.15, lambda_slope=-0.05, bias=-0.5),
    "far short of bytes": Curve(3.0, table_slope=-0.1, lambda_slope=-0.01, bias=-0.45),
    "without use of λ": Curve(3.0, table_slope=-0.1, lambda_slope=0.0, bias=0.4),
    "with little use of λ": Curve(1.3, lambda_slope=-0.02, grid=0.5, bias=0.05),
    "beyond the coarsest": Curve(11.0),
    "beyond the finest": Curve(-4.0),
}


@dataclass(slots=True)
class CurveTrials:
    """What a rate search asks of `Trials`, answered from a curve; the trials are kept as log steps."""

    curve: Curve
    sampled: list[tuple[float, float]] = field(default_factory=list)
    full: list[tuple[float, float]] = field(default_factory=list)
    adjusted: list[tuple[float, float]] = field(default_factory=list)
    are_rates_frozen: bool = False
    best: tuple[float, SimpleNamespace] | None = None

    @property
    def passes(self) -> int:
        """Full and adjusted passes."""
        return len(self.full) + len(self.adjusted)

    def run_sampled(self, log_step: float, *, is_rough: bool = False) -> float:  # noqa: ARG002
        """Return the error of a sampled pass."""
        self.sampled.append((log_step, log_step))
        return self.curve.find_error(log_step, 0.0)

    def run(self, point: Point) -> tuple[SimpleNamespace, float]:
        """Return a full pass and its error."""
        table, own = math.log(point.table_scale), math.log(point.lambda_scale)
        self.full.append((table, own))
        error = self.curve.find_error(table, own - table) + self.curve.bias
        if not self.are_rates_frozen:
            error += self.curve.freeze
        return self._keep(SimpleNamespace(point=point, error=error))

    def adjust(
        self, latest: SimpleNamespace, lambda_scale: float, stride: int
    ) -> tuple[SimpleNamespace, float]:
        """Return a pass of which every stride-th block has another λ, and its error."""
        own = math.log(lambda_scale)
        self.adjusted.append((own, stride))
        change = self.curve.lambda_slope * (own - math.log(latest.point.lambda_scale)) / stride
        return self._keep(SimpleNamespace(point=latest.point, error=latest.error + change))

    def repeat_best(self, latest: SimpleNamespace) -> SimpleNamespace:
        """Return the best pass; run it again unless it is the latest."""
        assert self.best is not None
        return latest if self.best[1] is latest else self.run(self.best[1].point)[0]

    def _keep(self, made: SimpleNamespace) -> tuple[SimpleNamespace, float]:
        if made.error < 0.009 and (self.best is None or abs(made.error) < abs(self.best[0])):
            self.best = (made.error, made)
        return made, made.error
