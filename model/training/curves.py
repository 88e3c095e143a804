"""A run's log as a picture."""

import json
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def draw_curves(log: Path, out: Path) -> None:
    """Draw every column of a .jsonl log over its steps, one panel each, as a PNG."""
    rows = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    # A run that went on repeats some steps: the later row counts.
    by_step = {row["step"]: row for row in rows}
    names = sorted({name for row in rows for name in row} - {"step"})
    figure = Figure(figsize=(6, 2.4 * len(names)), layout="constrained")
    FigureCanvasAgg(figure)
    for panel, name in enumerate(names):
        axes = figure.add_subplot(len(names), 1, panel + 1)
        steps = sorted(step for step, row in by_step.items() if name in row)
        axes.plot(steps, [by_step[step][name] for step in steps], linewidth=1)
        axes.set_ylabel(name)
        axes.grid(alpha=0.3)
        if panel + 1 == len(names):
            axes.set_xlabel("step")
    figure.savefig(out, dpi=100)
