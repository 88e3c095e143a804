"""BD-rate: the mean difference in bytes at equal quality over a whole curve.

Bjøntegaard, VCEG-M33, 2001, with piecewise cubics (PCHIP), which do not overshoot, over the range
of the metric that both curves cover. The package `bjontegaard` computes it.
"""

import math
import statistics
import warnings
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import bjontegaard

from bench.encoders import STANDARD
from bench.rd.summary import HIGHER_IS_BETTER, METRICS

QUALITIES: Final = (20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 95)
# A cubic piece needs points on both sides.
MIN_POINTS: Final = 4


def find_bd_rates(
    images: Mapping[str, Mapping[str, Any]], anchor: str = STANDARD
) -> dict[str, dict[str, Any]]:
    """Return the mean BD-rate over the photos of each encoder against `anchor`, in percent.

    Args:
        images: measures by photo, quality and encoder.
        anchor: the encoder whose bytes are 100 percent.

    Returns:
        By encoder and metric ``{"percent", "photos"}``; negative values save bytes. A photo does not
        count if a curve falls with more bytes or if the two curves have no range in common.
    """
    photos = list(images.values())
    names = next(iter(photos[0].values()))
    rates: dict[str, dict[str, Any]] = {}
    for name in names:
        if name == anchor:
            continue
        rates[name] = {}
        for metric in METRICS:
            found = [find_bd_rate(list(photo.values()), name, metric, anchor) for photo in photos]
            usable = [rate for rate in found if rate is not None]
            if usable:
                percent = round(statistics.fmean(usable), 3)
                rates[name][metric] = {"percent": percent, "photos": len(usable)}
    return rates


def find_bd_rate(
    points: Sequence[Mapping[str, Any]], name: str, metric: str, anchor: str
) -> float | None:
    """Return one photo's BD-rate in percent; None if it is not defined."""
    curves = [
        extract_curve([point[encoder] for point in points], metric) for encoder in (anchor, name)
    ]
    if any(curve is None for curve in curves):
        return None
    (anchor_bytes, anchor_values), (own_bytes, own_values) = (curve for curve in curves if curve)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # curves without overlap: the rate is NaN
        rate = float(
            bjontegaard.bd_rate(
                *(anchor_bytes, anchor_values, own_bytes, own_values), method="pchip", min_overlap=0
            )
        )
    return rate if math.isfinite(rate) else None


def extract_curve(
    rows: Sequence[Mapping[str, float]], metric: str
) -> tuple[list[float], list[float]] | None:
    """Return (bytes, metric), both ascending; None if the metric falls or has too few points."""
    points = sorted((row["bytes"], row[metric]) for row in rows if metric in row)
    sign = 1 if HIGHER_IS_BETTER[metric] else -1
    sizes = [size for size, _ in points]
    values = [sign * value for _, value in points]
    rising = all(a < b for a, b in pairwise(values))
    if len(points) < MIN_POINTS or not rising or len(set(sizes)) < len(sizes):
        return None
    return sizes, values


def print_bd_rates(rates: Mapping[str, Mapping[str, Any]], anchor: str) -> None:
    """Print BD-rates in percent."""
    present = [metric for metric in METRICS if any(metric in row for row in rates.values())]
    print(f"{'% of ' + anchor:<21}" + "".join(f"{metric:>18}" for metric in present))
    for name, row in rates.items():
        cells = (
            f"{row[key]['percent']:>+18.2f}" if key in row else f"{'–':>18}" for key in present
        )
        print(f"{name:<21}" + "".join(cells))
