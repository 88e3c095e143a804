"""Plots of `bench rd`: gains at equal bytes, rate–distortion curves, gains over the photo's size."""

import io
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bench.encoders import STANDARD
from bench.rd.summary import METRICS, gain

PLOTTED: Final = (
    "psnr",
    "psnr_s",
    "psnr_gaze",
    "ssimulacra2",
    "ssimulacra2_gaze",
    "butteraugli_gaze",
)
SIZE_INCHES: Final = (7.0, 4.2)
# Leave out matplotlib's version, so that equal figures are equal files.
PNG_METADATA: Final = {"Software": None}


def draw_plots(result: Mapping[str, Any], sizes_px: Mapping[str, int]) -> dict[str, bytes]:
    """Return the plots that the result has data for, as PNG by name.

    Args:
        result: the content of the file that `bench rd` writes.
        sizes_px: longest side of every photo; the axis of plots with --ladder.
    """
    plots = {"gains": plot_gains(result["summary"])}
    qualities = list(result["by_quality"])
    for metric in PLOTTED:
        if metric not in result["summary"][STANDARD]:
            continue
        if len(qualities) > 1:
            plots[f"curve_{metric}"] = plot_curve(result["images"], qualities, metric)
        if result["meta"]["ladder_steps"]:
            plots[f"ladder_{metric}"] = plot_sizes(result["images"], qualities[0], sizes_px, metric)
    return plots


def plot_gains(summary: Mapping[str, Mapping[str, float]]) -> bytes:
    """Return a plot of gains over the standard JPEG, relative to each metric's largest gain."""
    present = [metric for metric in METRICS if metric in summary[STANDARD]]
    others = [name for name in summary if name != STANDARD]
    figure = Figure(figsize=(10.0, 5.0), layout="constrained")
    axes = figure.subplots()
    for index, name in enumerate(others):
        gains = []
        for metric in present:
            all_gains = [gain(metric, summary[own], summary[STANDARD]) for own in others]
            largest = max(map(abs, all_gains)) or 1.0
            gains.append(gain(metric, summary[name], summary[STANDARD]) / largest)
        places = [place + (index - len(others) / 2) * 0.09 for place in range(len(present))]
        axes.bar(places, gains, width=0.09, label=name)
    axes.set_xticks(range(len(present)), present, rotation=30, ha="right")
    axes.set_ylabel("gain over the standard JPEG (largest = 1)")
    axes.axhline(0, color="black", linewidth=0.8)
    figure.legend(fontsize="small", ncols=8, loc="outside upper center")
    return to_png(figure)


def plot_curve(images: Mapping[str, Any], qualities: Sequence[str], metric: str) -> bytes:
    """Return a plot of the mean of a metric over the mean bytes, a line for each encoder."""
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    axes = figure.subplots()
    for name in next(iter(images.values()))[qualities[0]]:
        points = []
        for quality in qualities:
            rows = [photo[quality][name] for photo in images.values()]
            rows = [row for row in rows if metric in row]
            size = statistics.fmean(row["bytes"] for row in rows)
            points.append((size / 1000, statistics.fmean(row[metric] for row in rows)))
        points.sort()
        axes.plot(*zip(*points, strict=True), marker=".", label=name)
    axes.set_xscale("log")
    axes.set_xlabel("kB per photo")
    axes.set_ylabel(metric)
    axes.legend(fontsize="x-small")
    return to_png(figure)


def plot_sizes(
    images: Mapping[str, Any], quality: str, sizes_px: Mapping[str, int], metric: str
) -> bytes:
    """Return a plot of gains over the standard JPEG by longest side, a line for each encoder."""
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    axes = figure.subplots()
    for name in next(iter(images.values()))[quality]:
        if name == STANDARD:
            continue
        points = sorted(
            (sizes_px[photo], gain(metric, rows[quality][name], rows[quality][STANDARD]))
            for photo, rows in images.items()
            if metric in rows[quality][name]
        )
        if points:
            axes.plot(*zip(*points, strict=True), marker=".", label=name)
    axes.set_xscale("log")
    axes.set_xlabel("longest side, pixels")
    axes.set_ylabel(f"gain in {metric}")
    axes.axhline(0, color="black", linewidth=0.8)
    axes.legend(fontsize="x-small")
    return to_png(figure)


def to_png(figure: Figure) -> bytes:
    """Return a figure as a PNG file."""
    FigureCanvasAgg(figure)
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=120, metadata=PNG_METADATA)
    return file.getvalue()
