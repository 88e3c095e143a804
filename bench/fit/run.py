"""Fit the encoder's constants on photos by sequential linear programming.

Finite differences give the slope of each column for each constant. A linear programme moves the
constants within a trust region towards the goals. The new point is measured and kept if its cost
is lower. The search is deterministic. docs/codec.md describes the goals.

The file holds ``meta``; ``constants``, those of `codec.jpeg.quantize.tuning`; ``columns``, the means
at each quality with saliency, without it, and of the rivals.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from bench.datasets.photos import add_photo_options, find_photos, plan_photos, read_fixations
from bench.environment import PACKAGES, count_cores, describe_machine, write_result
from bench.fit.constants import AXES, Constants, list_constants, move
from bench.fit.goals import GOALS, Goals
from bench.fit.measure import (
    UNIFORM,
    WEIGHTED,
    Key,
    Row,
    Trial,
    measure_rivals,
    measure_trial,
)
from bench.rd.processes import MapFunction, open_pool
from codec.jpeg.quantize.tuning import DEFAULT, FULL

STARTS: Final = {"default": DEFAULT, "full": FULL}
# Constants that have no effect without saliency.
SALIENCY_CONSTANTS: Final = frozenset({"saliency_ratio", "rise_from", "rise_to"})
MAX_RADIUS: Final = 3.0
MIN_RADIUS: Final = 0.2
Columns = dict[Key, Row]


@dataclass
class Point:
    """Constants with their columns and cost."""

    constants: Constants
    columns: Columns
    cost: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add_photo_options(parser)
    add = parser.add_argument
    add("--skip", type=int, default=0, help="leave out the first photos (%(default)s)")
    add("--limit", type=int, default=12, help="number of photos, by hashed name (%(default)s)")
    add(
        "--quality",
        type=int,
        nargs="+",
        default=[50, 75],
        help="qualities of the standard JPEG (50 75)",
    )
    add(
        "--goals",
        choices=GOALS,
        default="default",
        help="goals, and initial constants (%(default)s)",
    )
    add("--start", type=Path, help="result file with other initial constants")
    add("--steps", type=int, default=8, help="largest number of steps (%(default)s)")
    add("--out", type=Path, required=True, help="JSON file, written after each step")
    add("--jobs", type=int, default=count_cores(), help="processes (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Fit and print each step; return the exit code."""
    fixations = read_fixations(args.fixations) if args.fixations else {}
    paths = find_photos(args.images, fixations, args.fold, args.skip + args.limit)
    photos = plan_photos(paths, fixations, args.maps, args.halve, None)[args.skip :]
    if not photos:
        print(f"bench fit: no photos in {args.images.name}", file=sys.stderr)
        return 1
    constants = list_constants(STARTS[args.goals])
    if args.start:
        constants = json.loads(args.start.read_text("utf-8"))["constants"]
    trials = [Trial(photo, tuple(args.quality), constants) for photo in photos]
    with open_pool(args.jobs) as map_trials:
        fit = Fit(map_trials, trials, GOALS[args.goals], args.out)
        fit.minimise(constants, args.steps)
    return 0


class Fit:
    """The search for constants with a lower cost."""

    def __init__(
        self, map_trials: MapFunction, trials: Sequence[Trial], goals: Goals, out: Path
    ) -> None:
        self.map_trials = map_trials
        self.trials = trials
        self.goals = goals
        self.out = out
        self.qualities = trials[0].qualities
        encoders = {bound.encoder for bound in goals.bounds}
        encoders |= {reward.encoder for reward in goals.rewards}
        self.needs_uniform = UNIFORM in encoders
        self.rivals = average(list(map_trials(measure_rivals, trials)))

    def minimise(self, constants: Constants, steps: int) -> Point:
        """Lower the cost for at most `steps` steps, while a nearby point is better; return the best."""
        point = self.measure(constants)
        self.write(point)
        radius = 2.0
        for _ in range(steps):
            slopes = self.measure_slopes(point)
            while radius > MIN_RADIUS:
                nearby = self.measure(move(constants, self.solve(point, slopes, radius)))
                if nearby.cost < point.cost - 1e-3:
                    break
                radius /= 2
            else:
                break
            point, constants = nearby, nearby.constants
            radius = min(radius * 1.5, MAX_RADIUS)
            self.write(point)
        return point

    def measure(self, constants: Constants, like: Point | None = None) -> Point:
        """Return the point of these constants; with `like` its columns without saliency are reused."""
        trials = [
            replace(trial, constants=constants, uniform=like is None and self.needs_uniform)
            for trial in self.trials
        ]
        columns = self.rivals | average(list(self.map_trials(measure_trial, trials)))
        if like is not None:
            columns |= {key: row for key, row in like.columns.items() if key[1] == UNIFORM}
        return Point(constants, columns, self.goals.cost(columns, self.qualities))

    def measure_slopes(self, point: Point) -> dict[str, Columns]:
        """Return the slope of each column for one step of each constant."""
        slopes = {}
        for name in AXES:
            # At a bound, step to the other side.
            nearby, units = move(point.constants, {name: 1.0}), 1.0
            if nearby == point.constants:
                nearby, units = move(point.constants, {name: -1.0}), -1.0
            is_saliency = name in SALIENCY_CONSTANTS
            found = self.measure(nearby, like=point if is_saliency else None)
            slopes[name] = {
                key: {
                    column: (found.columns[key][column] - own) / units
                    for column, own in row.items()
                }
                for key, row in point.columns.items()
                if key[1] in {UNIFORM, WEIGHTED}
            }
        return slopes

    def solve(self, point: Point, slopes: Mapping[str, Columns], radius: float) -> Constants:
        """Return the number of steps for each constant that solves the linear programme."""
        names = list(slopes)
        value: list[float] = []
        rows: list[NDArray[np.float64]] = []
        least: list[float] = []
        reward = np.zeros(len(names))
        for quality in self.qualities:
            for bound in self.goals.bounds:
                key = (quality, bound.encoder)
                row = point.columns[key]
                if bound.column in row:
                    rows.append(gradient(slopes, names, key, bound.column))
                    least.append(bound.value(point.columns, quality) - row[bound.column])
                    value.append(bound.weight)
            for goal in self.goals.rewards:
                key = (quality, goal.encoder)
                if goal.column in point.columns[key]:
                    reward += goal.weight * gradient(slopes, names, key, goal.column)
        bounds = len(rows)
        solved = linprog(
            np.concatenate([-reward, value]),
            A_ub=np.hstack([-np.array(rows), -np.eye(bounds)]),
            b_ub=-np.array(least),
            bounds=[(-radius, radius)] * len(names) + [(0, None)] * bounds,
        )
        return dict(zip(names, solved.x[: len(names)].tolist(), strict=True))

    def write(self, point: Point) -> None:
        """Write the file and print the columns."""
        columns: dict[str, Any] = {}
        for (quality, encoder), row in sorted(point.columns.items()):
            rounded = {key: round(value, 3) for key, value in row.items() if key != "bytes"}
            columns.setdefault(str(quality), {})[encoder] = rounded
            print(quality, encoder, rounded, flush=True)
        print(f"cost {point.cost:.3f}", flush=True)
        content = {
            "meta": {
                **describe_machine(PACKAGES),
                "photos": [trial.photo.name for trial in self.trials],
            },
            "constants": {key: round(value, 4) for key, value in point.constants.items()},
            "columns": columns,
            "cost": round(point.cost, 4),
        }
        write_result(self.out, content, indent=1)


def average(rows: Sequence[Mapping[Key, Row]]) -> Columns:
    """Return the means over photos, column by column."""
    return {
        key: {column: float(np.mean([row[key][column] for row in rows])) for column in rows[0][key]}
        for key in rows[0]
    }


def gradient(
    slopes: Mapping[str, Columns], names: Sequence[str], key: Key, column: str
) -> NDArray[np.float64]:
    """Return one column's slopes in the order of `names`."""
    return np.array([slopes[name][key][column] for name in names])
