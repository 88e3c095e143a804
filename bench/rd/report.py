"""The report of `bench rd`: one page with tables, plots and crops that needs no other file."""

import base64
import html
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.encoders import STANDARD
from bench.rd.crops import CROP_PX
from bench.rd.measure import PhotoMeasures
from bench.rd.plots import draw_plots
from bench.rd.summary import METRICS

PAGE: Final = "rd.html"
# A page with all photos of a large set would be too large for a browser.
PHOTOS_SHOWN: Final = 24
ZOOM: Final = 2
STYLE: Final = f"""
body {{ font: 14px sans-serif; margin: 2em; max-width: 110em }}
table {{ border-collapse: collapse; margin: 1em 0 }}
td, th {{ padding: .2em .6em; border-bottom: 1px solid #ddd; text-align: right }}
td:first-child, th:first-child {{ text-align: left }}
.crops {{ display: flex; flex-wrap: wrap; gap: 8px }}
figure {{ margin: 0 }}
.crops img {{ width: {CROP_PX * ZOOM}px; image-rendering: pixelated }}
"""


def write_report(
    folder: Path, result: Mapping[str, Any], measured: Sequence[PhotoMeasures]
) -> None:
    """Write the page, and its plots also as separate files."""
    folder.mkdir(parents=True, exist_ok=True)
    plots = draw_plots(result, {one.photo.name: max(one.shape) for one in measured})
    for name, png in plots.items():
        (folder / f"{name}.png").write_bytes(png)
    (folder / PAGE).write_text(compose_page(result, plots, measured), "utf-8")


def compose_page(
    result: Mapping[str, Any], plots: Mapping[str, bytes], measured: Sequence[PhotoMeasures]
) -> str:
    """Return the page as HTML."""
    meta = result["meta"]
    parts = [
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Foveate: rate and distortion</title>",
        f"<style>{STYLE}</style><h1>Rate and distortion at equal bytes</h1>",
        f"<p>{meta['photos']} photos, {html.escape(str(meta['date']))}</p>",
        f"<p><code>{html.escape(str(meta['command']))}</code></p>",
        *(f"<p>Left out: {html.escape(f'{k}: {v}')}</p>" for k, v in meta["left_out"].items()),
    ]
    for quality, part in result["by_quality"].items():
        parts.append(f"<h2>Quality {html.escape(quality)}</h2>")
        parts.append(format_means(part["summary"]))
        for group, own in part["groups"].items():
            parts.append(f"<h3>{html.escape(group)} ({own['photos']} photos)</h3>")
            parts.append(format_means(own["summary"]))
    if "bd_rate" in result:
        parts += [
            "<h2>BD-rate against the standard JPEG, %</h2>",
            format_rates(result["bd_rate"]),
        ]
    parts += [format_png(png, name) for name, png in plots.items()]
    parts.append("<h2>Photos, where people look most</h2>")
    for one in measured[:PHOTOS_SHOWN]:
        parts.append(f"<h3>{html.escape(one.photo.name)}</h3><div class='crops'>")
        parts += [format_png(png, name) for name, png in one.crops.items()]
        parts.append("</div>")
    return "\n".join(parts) + "</html>\n"


def format_means(summary: Mapping[str, Mapping[str, float]]) -> str:
    """Return a table: means of the standard JPEG, and the others' differences to them."""
    present = [metric for metric in METRICS if metric in summary[STANDARD]]
    rows = [("", "bytes", *present, "ms")]
    for name, means in summary.items():
        cells = (
            f"{means[key]:.3f}"
            if name == STANDARD
            else f"{means[key] - summary[STANDARD][key]:+.3f}"
            for key in present
        )
        rows.append((name, f"{means['bytes_ratio']:.4f}", *cells, f"{means['ms_per_image']:.0f}"))
    return format_table(rows)


def format_rates(rates: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a table of BD-rates in percent, with the number of photos that count."""
    present = [metric for metric in METRICS if any(metric in row for row in rates.values())]
    rows: list[tuple[str, ...]] = [("", *present)]
    for name, row in rates.items():
        cells = (
            f"{row[key]['percent']:+.2f} ({row[key]['photos']})" if key in row else "–"
            for key in present
        )
        rows.append((name, *cells))
    return format_table(rows)


def format_table(rows: Iterable[Sequence[str]]) -> str:
    """Return rows of text as an HTML table; the first row is its head."""
    lines = []
    for number, row in enumerate(rows):
        tag = "td" if number else "th"
        cells = "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)
        lines.append(f"<tr>{cells}</tr>")
    return "<table>" + "".join(lines) + "</table>"


def format_png(png: bytes, name: str) -> str:
    """Return an HTML figure that contains the picture's data."""
    data = base64.b64encode(png).decode("ascii")
    label = html.escape(name)
    return (
        f"<figure><img alt='{label}' src='data:image/png;base64,{data}'>"
        f"<figcaption>{label}</figcaption></figure>"
    )
