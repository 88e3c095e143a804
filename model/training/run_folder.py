"""The files in a run's folder: log.jsonl, curves.png, state.pt, the weights, and run.json."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from model.checkpoint import write_checkpoint
from model.msroi import MSROI


def append_log(folder: Path, row: dict[str, float]) -> None:
    """Append a line to the run's log."""
    with (folder / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def save_state(folder: Path, step: int, parts: dict[str, Any], settings: dict[str, Any]) -> None:
    """Write everything that resuming needs; an interrupted write leaves the previous state.

    Args:
        folder: the run's folder.
        step: the next step.
        parts: objects with `state_dict` by name.
        settings: of the run; resuming requires the same.
    """
    state = {name: part.state_dict() for name, part in parts.items()}
    new = folder / "state.pt.new"
    torch.save({"step": step, "settings": settings, **state}, new)
    new.replace(folder / "state.pt")


def restore_state(folder: Path, parts: dict[str, Any], settings: dict[str, Any]) -> int:
    """Load the saved state into the parts; return the next step, 0 without a saved state.

    Raises:
        RuntimeError: the run was started with other settings.
    """
    path = folder / "state.pt"
    if not path.is_file():
        (folder / "log.jsonl").unlink(missing_ok=True)
        return 0
    state = torch.load(path, weights_only=True)
    if state["settings"] != settings:
        raise RuntimeError(f"{folder} holds a run with other settings: use another folder")
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return int(state["step"])


def write_run(folder: Path, network: MSROI, facts: dict[str, Any]) -> str:
    """Write the weights and run.json (checksum, config and `facts`); return the checksum."""
    state = {name: tensor.cpu().half() for name, tensor in network.state_dict().items()}
    checksum = write_checkpoint(folder / "msroi.safetensors", network.config, state)
    record = {"weights": checksum, "config": asdict(network.config), **facts}
    (folder / "run.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    return checksum


def draw_curves(log: Path, out: Path) -> None:
    """Draw each column of a .jsonl log over its steps as a panel of a PNG."""
    rows = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    # A resumed run repeats some steps: the later row counts.
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
