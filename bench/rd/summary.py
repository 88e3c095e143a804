"""Summaries over photos: means, wins, worst photos, groups, and the printed table."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

from bench.encoders import STANDARD, STRENGTHS

Rows = Mapping[str, Mapping[str, float]]  # one photo's measures by encoder

HIGHER_IS_BETTER: Final = {
    "psnr": True, "psnr_y": True, "psnr_s": True, "psnr_gaze": True,
    "ssim": True, "ms_ssim": True, "vifp": True, "psnr_hvs": True, "psnr_hvs_m": True,
    "ssimulacra2": True, "butteraugli": False, "ssimulacra2_gaze": True, "butteraugli_gaze": False,
}  # fmt: skip
METRICS: Final = tuple(HIGHER_IS_BETTER)
DIGITS: Final = 5


def summarise(photos: Sequence[Rows]) -> dict[str, dict[str, float]]:
    """Return the means of each encoder over the photos that have a measure.

    ``bytes_ratio`` also has its minimum and maximum; ``ms_per_image`` is a median.
    """
    summary: dict[str, dict[str, float]] = {}
    for name in photos[0]:
        rows = [photo[name] for photo in photos]
        ratios = [row["bytes_ratio"] for row in rows]
        means = {"bytes_ratio": statistics.fmean(ratios)}
        for metric in METRICS:
            values = [row[metric] for row in rows if metric in row]
            if values:
                means[metric] = statistics.fmean(values)
        summary[name] = {key: round(value, DIGITS) for key, value in means.items()}
        summary[name]["ms_per_image"] = round(statistics.median(row["ms"] for row in rows), 1)
        summary[name]["bytes_ratio_min"] = min(ratios)
        summary[name]["bytes_ratio_max"] = max(ratios)
        for key in sorted({key for row in rows for key in row if key.startswith("bytes_over_")}):
            found = [row[key] for row in rows if key in row]
            summary[name][key] = round(statistics.fmean(found), DIGITS)
        if all("passes" in row for row in rows):
            summary[name]["passes"] = statistics.fmean(row["passes"] for row in rows)
    return summary


def gain(metric: str, own: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Return by how much `own` is better than `other`; positive is better for every metric."""
    difference = own[metric] - other[metric]
    return difference if HIGHER_IS_BETTER[metric] else -difference


def count_wins(photos: Sequence[Rows]) -> dict[str, dict[str, dict[str, int]]]:
    """Return on how many photos Foveate beats each other encoder, by its strength and by metric."""
    wins: dict[str, dict[str, dict[str, int]]] = {}
    for own in STRENGTHS:
        wins[own] = {}
        for other in photos[0]:
            if other != own:
                wins[own][other] = {
                    metric: sum(gain(metric, photo[own], photo[other]) > 0 for photo in having)
                    for metric in METRICS
                    if (having := [photo for photo in photos if metric in photo[own]])
                }
    return wins


def find_worst(photos: Mapping[str, Rows]) -> dict[str, dict[str, Any]]:
    """Return the photo with each encoder's smallest gain over the standard JPEG, by metric."""
    worst: dict[str, dict[str, Any]] = {}
    for name in next(iter(photos.values())):
        if name == STANDARD:
            continue
        worst[name] = {}
        for metric in METRICS:
            gains = {
                photo: gain(metric, rows[name], rows[STANDARD])
                for photo, rows in photos.items()
                if metric in rows[name]
            }
            if gains:
                photo = min(gains, key=gains.__getitem__)
                worst[name][metric] = {"photo": photo, "gain": round(gains[photo], DIGITS)}
    return worst


def group_photos(photos: Mapping[str, Rows], groups: Mapping[str, str]) -> dict[str, Any]:
    """Return the means of every folder; empty if all photos are in one."""
    names = sorted(set(groups.values()))
    if len(names) < 2:
        return {}
    members = {
        name: [rows for photo, rows in photos.items() if groups[photo] == name] for name in names
    }
    return {
        name or ".": {"photos": len(rows), "summary": summarise(rows)}
        for name, rows in members.items()
    }


def print_table(title: str, summary: Mapping[str, Mapping[str, float]]) -> None:
    """Print the standard JPEG's means, and the others' differences to them."""
    present = [metric for metric in METRICS if metric in summary[STANDARD]]
    columns = ("bytes_ratio", *present, "ms_per_image")
    print(f"{title:<21}" + "".join(f"{column:>{find_width(column)}}" for column in columns))
    for name, means in summary.items():
        cells = ""
        for column in columns:
            plain = name == STANDARD or column not in METRICS
            value = means[column] if plain else means[column] - summary[STANDARD][column]
            sign = "" if plain else "+"
            digits = 1 if column == "ms_per_image" else 4
            cells += f"{value:{sign}{find_width(column)}.{digits}f}"
        print(f"{name:<21}{cells}")


def find_width(column: str) -> int:
    """Return the width of a printed column."""
    return max(len(column), 8) + 2
