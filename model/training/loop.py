"""The training loop of both steps: seeded, resumable, with a log, curves and averaged weights."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from model.checkpoint import write_checkpoint
from model.msroi import MSROI
from model.training.depthwise import fix_depthwise

# Blocks before the first of the three taps stay as published: they see edges and textures,
# take a third of the time, and have 2 % of the weights.
FIRST_TRAINED_BLOCK: Final = 5
CALIBRATION_PACE: Final = 10
LOG_EVERY: Final = 10
SAVE_EVERY: Final = 50

Losses = Callable[[MSROI, Any], dict[str, Tensor]]  # a batch to named losses; their sum counts


@dataclass(frozen=True)
class Settings:
    """What a run was made with; written beside its weights."""

    steps: int
    head_rate: float  # peak learning rate of what MSROI adds to the backbone
    backbone_rate: float
    batch_size: int
    seed: int = 0
    weight_decay: float = 0.01
    warm_up: float = 0.15  # share of the steps before the peak
    averaging: float = 0.99  # of the exponential average of the weights that is kept
    clip_norm: float = 1.0


def train(
    network: MSROI,
    batches: Dataset[Any],
    losses: Losses,
    settings: Settings,
    *,
    folder: Path,
    device: str,
    loaders: int = 1,
) -> MSROI:
    """Train, or go on where `folder` says that a run stopped; return the averaged network.

    Writes log.jsonl, curves.png and state.pt into `folder`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    network = network.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    groups = choose_parameters(network, settings)
    optimiser = AdamW(groups, weight_decay=settings.weight_decay)
    schedule = OneCycleLR(
        optimiser,
        [group["lr"] for group in groups],
        total_steps=settings.steps,
        pct_start=settings.warm_up,
    )
    averaging = get_ema_multi_avg_fn(settings.averaging)  # type: ignore[no-untyped-call]
    average = AveragedModel(network, multi_avg_fn=averaging)
    parts = {"network": network, "optimiser": optimiser, "schedule": schedule, "average": average}
    start = restore(folder, parts, settings)
    loader = DataLoader(
        batches,
        batch_size=None,
        sampler=range(start, settings.steps),
        num_workers=loaders,
        pin_memory=device != "cpu",
    )
    progress = tqdm(loader, folder.name, total=settings.steps, initial=start, unit="step")
    trained = [parameter for group in groups for parameter in group["params"]]
    for step, batch in enumerate(progress, start):
        with torch.autocast(device, torch.bfloat16, enabled=device != "cpu"):
            named = losses(network, to_device(batch, device))
        total = torch.stack(list(named.values())).sum()
        optimiser.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(trained, settings.clip_norm)
        optimiser.step()
        schedule.step()
        average.update_parameters(network)
        if step % LOG_EVERY == 0:
            row = {name: round(float(value.detach()), 4) for name, value in named.items()}
            log(folder, {"step": step, **row})
            progress.set_postfix(row)
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == settings.steps:
            save(folder, step + 1, parts, settings)
            draw_curves(folder / "log.jsonl", folder / "curves.png")
    averaged = average.module
    assert isinstance(averaged, MSROI)
    return averaged.eval()


def choose_parameters(network: MSROI, settings: Settings) -> list[dict[str, Any]]:
    """Return what learns and how fast; everything else is frozen."""
    backbone = network.backbone
    backbone.requires_grad_(requires_grad=False)
    late = backbone.blocks[FIRST_TRAINED_BLOCK:]
    late.requires_grad_(requires_grad=True)
    fix_depthwise(late)
    tuned = [parameter for parameter in late.parameters() if parameter.requires_grad]
    calibration = [network.log_feature_weights, network.log_prior_y, network.log_prior_x]
    learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
    known = {id(parameter) for parameter in (*calibration, *tuned)}
    head = [parameter for parameter in learning if id(parameter) not in known]
    groups = [
        {"params": head, "lr": settings.head_rate},
        {"params": tuned, "lr": settings.backbone_rate},
    ]
    if calibration[0].requires_grad:
        # Logarithms of weights between 1/10 and 10 have a longer way to go than weights of layers.
        rate = settings.head_rate * CALIBRATION_PACE
        groups.append({"params": calibration, "lr": rate, "weight_decay": 0.0})
    return groups


def to_device(batch: Any, device: str) -> Any:
    """Return a batch (a named tuple of tensors or of such tuples) on the device."""
    if isinstance(batch, Tensor):
        return batch.to(device, non_blocking=True)
    return type(batch)(*(to_device(part, device) for part in batch))


def log(folder: Path, row: dict[str, float]) -> None:
    """Append a line to the run's log."""
    with (folder / "log.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def save(folder: Path, step: int, parts: dict[str, Any], settings: Settings) -> None:
    """Write everything that going on needs; a kill in between leaves the former state."""
    state = {name: part.state_dict() for name, part in parts.items()}
    beside = folder / "state.pt.new"
    torch.save({"step": step, "settings": asdict(settings), **state}, beside)
    beside.replace(folder / "state.pt")


def restore(folder: Path, parts: dict[str, Any], settings: Settings) -> int:
    """Put the parts into their saved state; return the step to go on with, 0 without one.

    Raises:
        RuntimeError: the folder's run was started with other settings.
    """
    path = folder / "state.pt"
    if not path.is_file():
        (folder / "log.jsonl").unlink(missing_ok=True)
        return 0
    state = torch.load(path, weights_only=True)
    if state["settings"] != asdict(settings):
        raise RuntimeError(f"{folder} holds a run with other settings: take another folder")
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return int(state["step"])


def write_run(folder: Path, network: MSROI, facts: dict[str, Any]) -> str:
    """Write the run's weights and its record (settings, figures); return the checksum."""
    state = {name: tensor.cpu().half() for name, tensor in network.state_dict().items()}
    checksum = write_checkpoint(folder / "msroi.safetensors", network.config, state)
    record = {"weights": checksum, "config": asdict(network.config), **facts}
    (folder / "run.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    return checksum


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
