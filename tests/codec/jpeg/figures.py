"""``python -m tests.codec.jpeg.figures``: figures of single steps of the encoder, on generated pictures.

A test compares them with those in figures.json, so that a changed constant is noticed, while the rounding
of another processor is not. After a deliberate change of a fit, the command renews the file.
"""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.components import split_components
from codec.jpeg.decode.coefficients import read_source
from codec.jpeg.file_search import guess_first_step
from codec.jpeg.quantize.blocks import Blocks
from codec.jpeg.quantize.requantization import measure_noise
from codec.jpeg.quantize.steps import make_tables, scale_steps
from codec.jpeg.quantize.tuning import Tuning, tune
from codec.jpeg.rate_control import rate_search
from codec.jpeg.rate_control.passes import Point, estimate_rates, run_pass
from codec.jpeg.rate_control.sampled_pass import run_sampled_pass
from codec.jpeg.rate_control.step_range import follow_slope
from codec.jpeg.rate_control.target import set_goal
from codec.jpeg.rate_control.trials import make_prior_rates
from codec.jpeg.transcode.components import split_source
from codec.jpeg.transform.subsampling_choice import measure_loss
from codec.jpeg.write.scan_script import choose_script, measure_share, predict_share
from codec.saliency_weights import rank_blocks, share_salient, weigh_saliency
from codec.settings import EncodeSettings
from tests.codec.jpeg.curves import CURVES, CurveTrials
from tests.codec.jpegs import pillow_jpeg
from tests.codec.pictures import scene, sky, spot

PATH = Path(__file__).with_name("figures.json")
POSITIONS = (0, 1, 2, 5, 20, 63)
"""Zigzag positions whose steps and weights are kept."""

Figures = dict[str, dict[str, list[float]]]


def bars(height: int, width: int) -> NDArray[np.uint8]:
    """Return coloured bars with hard edges on white, and a black area."""
    picture = np.full((height, width, 3), 255, np.uint8)
    for i, colour in enumerate([(200, 30, 40), (20, 90, 200), (0, 0, 0), (30, 160, 60)]):
        picture[10 + 3 * i : height - 7 * i, 11 + 37 * i : 30 + 37 * i + 3 * i] = colour
    picture[-40:] //= 9
    return picture


PICTURES = {
    "scene": scene(152, 232),
    "dark scene": scene(152, 232, 1) // np.uint8(5),
    "bars": bars(152, 232),
}


def measure() -> Figures:
    """Return all figures, by step and case."""
    return {
        "weights": dict(measure_weights()),
        "goals": dict(measure_goals()),
        "searches": dict(measure_searches()),
        "saliency": dict(measure_saliency()),
        "blocks": dict(measure_blocks()),
        "passes": dict(measure_passes()),
        "scans": dict(measure_scans()),
        "sources": dict(measure_sources()),
    }


def measure_weights() -> Iterator[tuple[str, list[float]]]:
    """Yield steps of tables, and what errors are worth, of each component."""
    for strength in (0.0, 0.3, 0.8):
        yield f"ratio, strength {strength}", [tune(strength).saliency_ratio]
    for strength in (0.6, 0.8, 1.0):
        tuning = tune(strength)
        steps = scale_steps(tuning, make_tables(tuning, 16.0, 3), 12.0)
        for i, name in enumerate(("Y", "Cb", "Cr")):
            table, worth = steps.quant_tables[i], steps.distortion_scales[i]
            case = f"{name}, strength {strength}"
            yield f"steps of {case}", [float(table.sum()), *pick(table)]
            yield f"worth of {case}", [float(worth.sum()), *pick(worth)]
    rates = make_prior_rates()
    yield "prior rates", [float(rates.sum()), *(float(rates[k]) for k in (0, 1, 2, 17, 34, 240))]


def measure_goals() -> Iterator[tuple[str, list[float]]]:
    """Yield where searches start, and what they aim at."""
    blocks = make_blocks(PICTURES["scene"], spot(40, 60), tune(0.6))
    for quality in (10, 50, 75, 95):
        for strength in (0.0, 0.6):
            for target in ("size", "quality"):
                case = f"quality {quality}, strength {strength}, target {target}"
                settings = EncodeSettings(quality=quality, strength=strength, target=target)
                yield f"first step, {case}", [guess_first_step(settings, 9000, 152 * 232)]
                goal = set_goal(settings, blocks, 9000)
                allowed = [] if goal.allowed is None else list(goal.allowed)
                found = [goal.target_bytes, goal.limit_bytes, goal.least_bytes, *allowed]
                yield f"goal, {case}", [*found, goal.loosen(8000).target_bytes]
    capped = set_goal(EncodeSettings(max_bytes=7000), blocks, 9000)
    yield (
        "goal, max_bytes",
        [capped.target_bytes, capped.limit_bytes, capped.tighten().target_bytes],
    )
    yield "slope", [follow_slope(3.0, 0.3), follow_slope(0.0, 9.0), follow_slope(8.0, -9.0)]
    yield "progressive share", [predict_share(scan_bytes) for scan_bytes in (1e3, 1e5)]


def measure_searches() -> Iterator[tuple[str, list[float]]]:
    """Yield the number of trials of searches on known curves, and the mean and the last of them."""
    for name, curve in CURVES.items():
        trials = CurveTrials(curve)
        with patch.object(rate_search, "Trials", lambda *_, own=trials: own):
            search = rate_search.RateSearch(*[None] * 3)  # type: ignore[arg-type]  # only trials use them
            search.find(16.0)
        kinds = [float(len(trials.sampled)), float(len(trials.full)), float(len(trials.adjusted))]
        visited = [*trials.sampled, *trials.full, *trials.adjusted]
        yield name, [*kinds, *np.mean(visited, axis=0).tolist(), *visited[-1]]


def measure_saliency() -> Iterator[tuple[str, list[float]]]:
    """Yield weights and shares of blocks from maps, the lightest first."""
    maps = {"spot": spot(40, 60), "faint": spot(40, 60) * np.float32(0.02), "small": spot(5, 7)}
    for name, saliency in maps.items():
        ranked = rank_blocks(saliency, 19, 29)
        weights = np.sort(weigh_saliency(ranked, 11.1, (0.5, 0.96)).ravel())
        shares = np.sort(share_salient(ranked).ravel())
        yield f"weights, {name}", [float(weights.mean()), *weights[::60].tolist()]
        yield f"shares, {name}", [float(shares.mean()), *shares[::60].tolist()]


def measure_blocks() -> Iterator[tuple[str, list[float]]]:
    """Yield the weights and the transformed samples of components, and losses by 4:2:0."""
    tall = {"tall scene": scene(640, 264)}  # several stripes
    for name, picture in (PICTURES | tall).items():
        for strength in (0.6, 1.0):
            for subsample in (False, True):
                parts = split_components(picture, None, subsample, tune(strength), 16.0)
                for i, part in enumerate(parts):
                    real = np.s_[: part.real_rows, : part.real_columns]
                    seen = np.sort(part.visibility[real].ravel())
                    found = [float(np.abs(part.coefs[real]).sum(dtype=np.float64)), *seen[::40]]
                    yield (
                        f"component {i} of {name}, {strength}, {subsample}",
                        list(map(float, found)),
                    )
        yield f"loss of {name}", [measure_loss(picture)]
    yield "loss of a tall picture", [measure_loss(bars(700, 90))]
    for sides in ((560, 720), (1200, 1600)):
        blocks = make_blocks(sky(*sides), None, tune(0.6))
        steps = scale_steps(tune(0.6), make_tables(tune(0.6), 16.0, 3), 16.0)
        for is_rough in (False, True):
            drawn = blocks.quantize_sample(steps, [make_prior_rates()] * 2, is_rough=is_rough)
            yield f"sample of {sides}, {is_rough}", list(map(float, drawn.sizes))


def measure_passes() -> Iterator[tuple[str, list[float]]]:
    """Yield bytes, symbols and errors of passes, of all blocks and of a sample."""
    saliency = spot(40, 60)
    for name, picture in PICTURES.items():
        for strength, scale in ((0.6, 9.0), (0.6, 40.0), (1.0, 20.0)):
            tuning = tune(strength)
            blocks = make_blocks(picture, saliency, tuning, scale)
            point = Point(scale, scale * 1.1)
            sampled = run_sampled_pass(blocks, tuning, point, [make_prior_rates()] * 2)
            case = f"{name}, {strength}, {scale}"
            yield f"sample, {case}", [sampled.file_bytes, *sampled.errors]
            rates = [estimate_rates(counts) for counts in sampled.ac_counts]
            made = run_pass(blocks, tuning, point, rates)
            counts = [float(own.sum()) for own in (*made.dc_counts, *made.ac_counts)]
            errors = blocks.measure(made.quant_tables)
            yield f"pass, {case}", [made.file_bytes, *counts, *errors]


def measure_scans() -> Iterator[tuple[str, list[float]]]:
    """Yield the number of scans and their share of a baseline file's bytes."""
    tuning = tune(0.6)
    for name, scale in (("scene", 3.0), ("scene", 30.0), ("bars", 9.0)):
        blocks = make_blocks(PICTURES[name], None, tuning, scale)
        run_pass(blocks, tuning, Point(scale, scale), [make_prior_rates()] * 2)
        script = choose_script(blocks.components, blocks.read())
        share = measure_share(script, blocks.components, blocks.read())
        yield f"scans, {name}, {scale}", [float(len(script)), share]


def measure_sources() -> Iterator[tuple[str, list[float]]]:
    """Yield figures of coefficients that come from a JPEG."""
    tuning = tune(0.6)
    source = read_source(pillow_jpeg(PICTURES["scene"], quality=80, subsampling="4:2:0"))
    parts = split_source(source, spot(40, 60), tuning, subsample=True)
    blocks = Blocks(parts)
    yield "noise", list(measure_noise(parts))
    for scale in (10.0, 25.0):
        made = run_pass(blocks, tuning, Point(scale, scale), [make_prior_rates()] * 2)
        tables = [float(table.sum()) for table in made.quant_tables]
        yield f"pass, {scale}", [made.file_bytes, *tables]


def make_blocks(
    picture: NDArray[np.uint8],
    saliency: NDArray[np.float32] | None,
    tuning: Tuning,
    step: float | None = None,
) -> Blocks:
    """Return the blocks of a picture as 4:2:0."""
    return Blocks(split_components(picture, saliency, subsample=True, tuning=tuning, step=step))


def pick(values: NDArray[Any]) -> list[float]:
    """Return the entries at `POSITIONS`."""
    return [float(values[k]) for k in POSITIONS]


def list_changes(
    found: Figures, kept: Figures, tolerances: Mapping[str, tuple[float, float]]
) -> list[str]:
    """Return the cases whose figures differ by more than the relative and absolute tolerance of their step."""
    changes = []
    for step in sorted(found.keys() | kept.keys()):
        cases, kept_cases = found.get(step, {}), kept.get(step, {})
        for case in sorted(cases.keys() | kept_cases.keys()):
            new, old = cases.get(case, []), kept_cases.get(case, [])
            relative, absolute = tolerances[step]
            if len(new) != len(old) or not all(
                math.isclose(a, b, rel_tol=relative, abs_tol=absolute)
                for a, b in zip(new, old, strict=True)
            ):
                changes.append(f"{step}: {case}: {old} -> {new}")
    return changes


def main() -> None:
    """Write the figures of the present encoder."""
    rounded = {
        step: {case: [float(f"{value:.6g}") for value in values] for case, values in cases.items()}
        for step, cases in measure().items()
    }
    PATH.write_text(format_figures(rounded), encoding="utf-8")


def format_figures(figures: Figures) -> str:
    """Return JSON with a line for each case."""
    steps = []
    for step, cases in figures.items():
        lines = [f"    {json.dumps(case)}: {json.dumps(values)}" for case, values in cases.items()]
        steps.append(f"  {json.dumps(step)}: {{\n" + ",\n".join(lines) + "\n  }")
    return "{\n" + ",\n".join(steps) + "\n}\n"


if __name__ == "__main__":
    main()
