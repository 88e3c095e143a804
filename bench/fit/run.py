"""Fit the encoder's constants on photos by CMA-ES, an evolution strategy.

Each generation draws photos and qualities, and encodes them with several candidates. The candidates'
ranks move the mean and the shape of the distribution from which the next ones are drawn (Hansen, "The
CMA Evolution Strategy: A Tutorial", arXiv:1604.00772). docs/codec.md describes the goals.

The file holds ``meta``; ``constants``, the distribution's mean, as in `codec.jpeg.quantize.tuning`;
``deviations``, its standard deviations in steps of `AXES`; ``generation``; and ``validation``, the
cost and the columns of the first and the last constants on photos that the fit does not use.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, get_args

import cma
import numpy as np

from bench.encoders import parse_quality
from bench.environment import PACKAGES, count_cores, describe_machine, write_result
from bench.fit.constants import AXES, Constants, list_constants, move
from bench.fit.goals import GOALS, Goals
from bench.fit.measure import Key, Row, Trial, measure_trial, prepare_reference
from bench.fit.photos import Split, choose_photos
from bench.rd.processes import MapFunction, open_pool
from codec.jpeg.quantize.tuning import PERCEPTUAL, PSNR

STARTS: Final = {
    "perceptual": PERCEPTUAL.default,
    "perceptual_full": PERCEPTUAL.full,
    "psnr": PSNR.default,
    "psnr_full": PSNR.full,
}
Columns = dict[Key, Row]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    add = parser.add_argument
    add(
        "--images",
        type=Path,
        nargs="+",
        required=True,
        help="folders of photos, each with its fixations.json if there is recorded gaze",
    )
    add("--limit", type=int, default=12, help="photos of each folder and split (%(default)s)")
    add(
        "--quality",
        type=parse_quality,
        nargs="+",
        default=[30, 50, 70, 90],
        help="qualities of the standard JPEG (30 50 70 90)",
    )
    add(
        "--goals",
        choices=GOALS,
        default="perceptual",
        help="goals, and initial constants (%(default)s)",
    )
    add("--start", type=Path, help="result file from which to continue")
    add(
        "--constants",
        nargs="+",
        choices=AXES,
        default=list(AXES),
        metavar="NAME",
        help="constants to fit, such as saliency_ratio (all)",
    )
    add("--batch", type=int, default=8, help="photos in each generation, 0: all (%(default)s)")
    add("--batch-qualities", type=int, default=2, help="its qualities, 0: all (%(default)s)")
    add("--population", type=int, help="candidates in each generation (by their dimensions)")
    add("--sigma", type=float, default=1.0, help="initial standard deviation in steps (1)")
    add("--seed", type=int, default=1, help="seed of all that is drawn (%(default)s)")
    add("--generations", type=int, default=10_000, help="largest number of generations")
    add("--minutes", type=float, default=60.0, help="start no generation later (%(default)s)")
    add("--out", type=Path, required=True, help="JSON file, written after each generation")
    add("--jobs", type=int, default=count_cores(), help="processes (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Fit, and print each generation; return the exit code."""
    started = time.monotonic()
    photos = {split: choose_photos(args.images, split, args.limit) for split in get_args(Split)}
    if not photos["fit"]:
        print("bench fit: no photos to fit", file=sys.stderr)
        return 1
    start = State(list_constants(STARTS[args.goals]), {})
    if args.start:
        start = State.read(args.start)
    qualities = tuple(sorted(set(args.quality)))
    trials = {
        split: [Trial(photo, qualities, GOALS[args.goals], start.constants) for photo in own]
        for split, own in photos.items()
    }
    with open_pool(args.jobs) as map_trials:
        trials = {split: prepare(map_trials, own) for split, own in trials.items()}
        fit = Fit(map_trials, trials, args)
        fit.validate("first", start.constants)
        found = fit.minimise(start, started + 60.0 * args.minutes)
        fit.validate("last", found.constants)
        fit.write(found)
    return 0


@dataclass
class State:
    """Where a fit is: enough to continue it."""

    constants: Constants
    deviations: dict[str, float]
    """Standard deviation of each constant in steps; empty at first."""
    generation: int = 0

    @classmethod
    def read(cls, path: Path) -> "State":
        """Return the state that a result file holds."""
        content = json.loads(path.read_text("utf-8"))
        constants = {name: float(value) for name, value in content["constants"].items()}
        return cls(constants, content.get("deviations", {}), content.get("generation", 0))


@dataclass
class Fit:
    """The search for constants with a lower cost."""

    map_trials: MapFunction
    trials: dict[str, list[Trial]]
    args: argparse.Namespace
    validation: dict[str, Any] = field(default_factory=dict)

    @property
    def goals(self) -> Goals:
        """The goals of the run."""
        return GOALS[self.args.goals]

    def minimise(self, start: State, end_s: float) -> State:
        """Return the state after the last generation; it is written after each one."""
        names = list(self.args.constants)
        strategy = cma.CMAEvolutionStrategy([0.0] * len(names), 1.0, self._options(start, names))
        state = start
        for count in range(self.args.generations):
            reasons = strategy.stop()
            if time.monotonic() >= end_s or reasons:
                print(f"no further generation: {reasons or 'the time is over'}")
                break
            generation = start.generation + count
            started = time.monotonic()
            candidates = strategy.ask()
            moved = [
                move(start.constants, dict(zip(names, candidate, strict=True)))
                for candidate in candidates
            ]
            costs = self.measure(self.draw(generation), moved)
            strategy.tell(candidates, costs)
            mean = dict(zip(names, strategy.result.xfavorite, strict=True))
            deviations = dict(zip(names, map(float, strategy.result.stds), strict=True))
            state = State(move(start.constants, mean), deviations, generation + 1)
            self.write(state)
            print(
                f"generation {generation}: cost {min(costs):.3f} to {max(costs):.3f}, "
                f"sigma {strategy.sigma:.2f}, {time.monotonic() - started:.0f} s",
                flush=True,
            )
        return state

    def _options(self, start: State, names: Sequence[str]) -> dict[str, Any]:
        lower = [AXES[name].count_steps(start.constants[name], AXES[name].least) for name in names]
        upper = [AXES[name].count_steps(start.constants[name], AXES[name].most) for name in names]
        options: dict[str, Any] = {
            "bounds": [replace_infinite(lower), replace_infinite(upper)],
            "seed": self.args.seed + start.generation,
            "CMA_stds": [start.deviations.get(name, self.args.sigma) for name in names],
            "verbose": -10,
        }
        if self.args.population:
            options["popsize"] = self.args.population
        return options

    def draw(self, generation: int) -> list[Trial]:
        """Return the photos and qualities of a generation, drawn by the seed and its number."""
        random = np.random.default_rng((self.args.seed, generation))
        trials = self.trials["fit"]
        if 0 < self.args.batch < len(trials):
            chosen = random.permutation(len(trials))[: self.args.batch]
            trials = [trials[index] for index in sorted(chosen)]
        qualities = trials[0].qualities
        if 0 < self.args.batch_qualities < len(qualities):
            drawn = random.permutation(len(qualities))[: self.args.batch_qualities]
            qualities = tuple(qualities[index] for index in sorted(drawn))
        return [replace(trial, qualities=qualities) for trial in trials]

    def measure(self, trials: Sequence[Trial], candidates: Sequence[Constants]) -> list[float]:
        """Return the cost of each candidate."""
        work = [replace(trial, constants=own) for own in candidates for trial in trials]
        rows = list(self.map_trials(measure_trial, work))
        step, qualities = len(trials), trials[0].qualities
        parts = [rows[index : index + step] for index in range(0, len(rows), step)]
        return [self.goals.cost(average(part), qualities) for part in parts]

    def validate(self, name: str, constants: Constants) -> None:
        """Measure constants on the photos for validation, if there are any, and print the columns."""
        trials = [replace(trial, constants=constants) for trial in self.trials["validation"]]
        if not trials:
            return
        columns = average(list(self.map_trials(measure_trial, trials)))
        cost = self.goals.cost(columns, trials[0].qualities)
        rounded: dict[str, Any] = {}
        for (quality, encoder), row in sorted(columns.items()):
            own = {key: round(value, 3) for key, value in sorted(row.items())}
            rounded.setdefault(str(quality), {})[encoder] = own
            print(name, quality, encoder, own, flush=True)
        print(f"{name} validation cost {cost:.3f}", flush=True)
        self.validation[name] = {"cost": round(cost, 4), "columns": rounded}

    def write(self, state: State) -> None:
        """Write the file."""
        args = self.args
        content = {
            "meta": {
                **describe_machine((*PACKAGES, "cma")),
                "goals": args.goals,
                "seed": args.seed,
                "photos": {
                    split: [trial.photo.name for trial in own] for split, own in self.trials.items()
                },
                "qualities": list(self.trials["fit"][0].qualities),
            },
            "generation": state.generation,
            "constants": {key: round(value, 4) for key, value in state.constants.items()},
            "deviations": {key: round(value, 4) for key, value in state.deviations.items()},
            "validation": self.validation,
        }
        write_result(args.out, content, indent=1)


def replace_infinite(bounds: Iterable[float]) -> list[float | None]:
    """Return bounds as cma expects them: None in place of an infinite one."""
    return [bound if math.isfinite(bound) else None for bound in bounds]


def prepare(map_trials: MapFunction, trials: Iterable[Trial]) -> list[Trial]:
    """Return the trials with their references."""
    own = list(trials)
    references = map_trials(prepare_reference, own)
    return [replace(trial, reference=found) for trial, found in zip(own, references, strict=True)]


def average(rows: Sequence[Columns]) -> Columns:
    """Return the means over photos, column by column."""
    return {
        key: {column: float(np.mean([row[key][column] for row in rows])) for column in rows[0][key]}
        for key in rows[0]
    }
