"""Means over photos for each map, and the printed table."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bench.metrics.gaze import MEASURES
from bench.saliency.objects import COVERAGE, summarise_objects

SHOWN: Final = (*MEASURES, "ms_per_image")
COVERED: Final = ("objects", "mosaics")


def summarise(
    maps: Sequence[str],
    images: Mapping[str, Any],
    covered: Mapping[str, Sequence[Mapping[str, Any]]],
) -> dict[str, Any]:
    """Return each map's means over the photos, median time and covered objects.

    A set of one photo has no shuffled AUC.

    Args:
        maps: names of the maps.
        images: by photo with recorded gaze, each map's measures and "ms".
        covered: by set of `COVERED` and for each photo with boxes, each map's "objects" and "ms".
    """
    summary: dict[str, Any] = {}
    for name in maps:
        gazed = [row[name] for row in images.values()]
        summary[name] = {
            key: round(statistics.fmean(row[key] for row in gazed), 4)
            for key in MEASURES
            if gazed and key in gazed[0]
        }
        boxed = {kind: [row[name] for row in rows] for kind, rows in covered.items() if rows}
        times_ms = [row["ms"] for rows in (gazed, *boxed.values()) for row in rows]
        summary[name]["ms_per_image"] = round(statistics.median(times_ms), 1)
        for kind, rows in boxed.items():
            found = [item for row in rows for item in row["objects"]]
            summary[name][kind] = summarise_objects(found)
    return summary


def print_table(summary: Mapping[str, Mapping[str, Any]]) -> None:
    """Print each map's means, and the shares of objects that it covers."""
    first = next(iter(summary.values()))
    print_rows("map", [key for key in SHOWN if key in first], summary)
    for kind in COVERED:
        if kind in first:
            print_rows(kind, COVERAGE, {name: row[kind] for name, row in summary.items()})


def print_rows(title: str, columns: Sequence[str], rows: Mapping[str, Mapping[str, float]]) -> None:
    """Print one table."""
    print(f"{title:<17}" + "".join(f"{key:>13}" for key in columns))
    for name, row in rows.items():
        print(f"{name:<17}" + "".join(f"{row[key]:>13.3f}" for key in columns))
