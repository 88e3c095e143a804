"""The charts of README and docs, drawn from the committed results."""

import argparse
import json
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any, Final

from bench.environment import ROOT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RESULTS: Final = ROOT / "bench" / "results"
PICTURES: Final = ROOT / "docs" / "pictures"
WIDTH_IN, HEIGHT_IN, DOTS_PER_INCH = 7.2, 3.6, 150

# Okabe and Ito's colours, which colour-blind people can tell apart.
OWN_COLOUR, MUTED_COLOUR = "#d55e00", "#8c8c8c"
ENCODERS: Final = {
    "foveate": ("Foveate", OWN_COLOUR),
    "jpegli": ("jpegli", "#0072b2"),
    "mozjpeg": ("mozjpeg", "#009e73"),
    "standard": ("standard JPEG", MUTED_COLOUR),
}
PAPER_COLUMNS: Final = {
    "psnr_s": "PSNR-S",
    "psnr": "PSNR",
    "ssim": "SSIM",
    "ms_ssim": "MS-SSIM",
    "vifp": "VIFP",
    "psnr_hvs": "PSNR-HVS",
    "psnr_hvs_m": "PSNR-HVS-M",
}
"""The paper's columns by measure; `SHARES` are multiplied by 100."""
SHARES: Final = {"ssim", "ms_ssim", "vifp"}
PAPER_ENCODERS: Final = {
    "foveate_full": ("Foveate, strength 1", OWN_COLOUR, "^"),
    "foveate": ("Foveate, default", OWN_COLOUR, "o"),
    "foveate_uniform": ("Foveate without a map", "#e69f00", "s"),
    "jpegli": ("jpegli", "#0072b2", "v"),
    "mozjpeg": ("mozjpeg", "#009e73", "v"),
}
SERVERS: Final = {
    "foveate": "Foveate, 2 workers",
    "foveate, 1 worker": "Foveate, 1 worker",
    "mosec, 2 workers": "mosec, 2 workers",
    "mosec": "mosec, 1 worker",
    "litserve, 2 workers": "LitServe, 2 workers",
    "litserve": "LitServe, 1 worker",
    "inprocess": "FastAPI, batching in its own process",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder of result files")
    parser.add_argument("--out", type=Path, default=PICTURES, help="folder of the PNG files")


def run(args: argparse.Namespace) -> int:
    """Draw all charts; return the exit code."""
    args.out.mkdir(parents=True, exist_ok=True)
    curve = json.loads((args.results / "rd_osie_curve.json").read_text())
    service = json.loads((args.results / "service.json").read_text())
    paper = json.loads((args.results / "paper.json").read_text())
    save(draw_paper, paper, args.out / "paper-columns.png")
    save(draw_quality, curve, args.out / "quality-per-byte.png")
    save(draw_throughput, service, args.out / "images-per-second.png")
    overload = json.loads((args.results / "overload.json").read_text())
    save(draw_overload, overload, args.out / "goodput-under-overload.png")
    return 0


def save(draw: Any, result: dict[str, Any], path: Path) -> None:
    """Draw one chart and write it as a PNG file."""
    from matplotlib.figure import Figure  # noqa: PLC0415 - heavy, and needed by this command alone

    figure = Figure(figsize=(WIDTH_IN, HEIGHT_IN), layout="constrained")
    axes = figure.subplots()
    draw(axes, result)
    axes.spines[["top", "right"]].set_visible(False)
    # Omit the library's version, so that the file changes only with the picture.
    figure.savefig(path, dpi=DOTS_PER_INCH, metadata={"Software": None})
    print(path)


def find_curves(result: dict[str, Any]) -> dict[str, list[tuple[float, float]]]:
    """Return each encoder's points (bytes, SSIMULACRA2 where people look), one per quality.

    Both are means over the photos. Bytes are relative to the standard JPEG at quality 50.
    """
    images = result["images"]
    unit = mean(photo["50"]["standard"]["bytes"] for photo in images.values())
    return {
        name: [
            (
                mean(photo[quality][name]["bytes"] for photo in images.values()) / unit,
                mean(photo[quality][name]["ssimulacra2_gaze"] for photo in images.values()),
            )
            for quality in result["by_quality"]
        ]
        for name in ENCODERS
    }


def draw_quality(axes: "Axes", result: dict[str, Any]) -> None:
    """Draw quality where people look over bytes, a line for each encoder."""
    for name, points in find_curves(result).items():
        label, colour = ENCODERS[name]
        axes.plot(*zip(*points, strict=True), color=colour, marker="o", markersize=4, label=label)
    axes.set_xlabel("bytes (standard JPEG at quality 50 = 1)")
    axes.set_ylabel("SSIMULACRA2 where people look")
    axes.set_title("Quality per byte where people look (higher is better)", loc="left", fontsize=11)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, loc="lower right")


def find_gains(summary: dict[str, dict[str, float]], encoder: str) -> dict[str, float]:
    """Return an encoder's gains over the standard JPEG by measure, in dB or in hundredths.

    Measures that the photos are too small for are missing.
    """
    own, standard = summary[encoder], summary["standard"]
    return {key: scale_gain(key, own[key] - standard[key]) for key in PAPER_COLUMNS if key in own}


def scale_gain(measure: str, gain: float) -> float:
    """Return a gain in dB, or in hundredths."""
    return 100 * gain if measure in SHARES else gain


def draw_paper(axes: "Axes", result: dict[str, Any]) -> None:
    """Draw the gains in the paper's columns as points, beside what the paper claims."""
    places = range(len(PAPER_COLUMNS))
    summary = result["kodak"]["by_quality"]["50"]["summary"]
    axes.axhline(0, color=MUTED_COLOUR, linewidth=0.8)
    axes.bar(
        places,
        [scale_gain(key, result["claims"][key]) for key in PAPER_COLUMNS],
        width=0.7,
        color="#dddddd",
        label="the paper's claim",
    )
    for index, (name, (label, colour, marker)) in enumerate(PAPER_ENCODERS.items()):
        shift = (index - (len(PAPER_ENCODERS) - 1) / 2) * 0.12
        gains = find_gains(summary, name)
        axes.plot(
            [place + shift for place in places],
            [gains[key] for key in PAPER_COLUMNS],
            color=colour,
            marker=marker,
            linestyle="",
            markersize=5,
            fillstyle="none" if name == "foveate_full" else "full",
            label=label,
        )
    axes.set_xticks(places, list(PAPER_COLUMNS.values()), fontsize=8)
    axes.set_ylabel("dB, or hundredths")
    axes.set_title(
        "Over the standard JPEG of the same bytes, Kodak, quality 50", loc="left", fontsize=11
    )
    axes.legend(frameon=False, fontsize=8, loc="upper right")


def draw_throughput(axes: "Axes", result: dict[str, Any]) -> None:
    """Draw the images/s of each server as bars, the fastest on top."""
    servers = result["serving"]["servers"]
    rates = {name: servers[name]["images_per_s"] for name in SERVERS}
    order = sorted(rates, key=rates.__getitem__)
    colours = [OWN_COLOUR if name.startswith("foveate") else MUTED_COLOUR for name in order]
    bars = axes.barh(
        [SERVERS[name] for name in order], [rates[name] for name in order], color=colours
    )
    axes.bar_label(bars, fmt="%.0f", padding=3)
    axes.set_xlabel(f"images/s, {result['meta']['cores']} cores, 16 clients")
    axes.set_title("The same model and encoder behind each server", loc="left", fontsize=11)


def draw_overload(axes: "Axes", result: dict[str, Any]) -> None:
    """Draw the photos that are done in time over those that are offered, as shares of the capacity."""
    lines = {"foveate": ("with admission by the measured rate", OWN_COLOUR)}
    if "against" in result:
        lines["against"] = ("with a limit on the number of uploads alone", MUTED_COLOUR)
    most = 0.0
    for name, (label, colour) in lines.items():
        points = sorted(
            (one["offered_share"], one["goodput_share"]) for one in result[name]["rates"]
        )
        most = max(most, *(offered for offered, _ in points))
        axes.plot(*zip(*points, strict=True), color=colour, marker="o", markersize=4, label=label)
    axes.plot(
        [0, 1, most], [0, 1, 1], color=MUTED_COLOUR, linestyle=":", label="all that is possible"
    )
    axes.set_ylim(0, 1.25)
    axes.set_xlabel("photos offered per second (closed loop = 1)")
    axes.set_ylabel("JPEGs in time (closed loop = 1)")
    axes.set_title("Goodput above the capacity", loc="left", fontsize=11)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, loc="lower right")
