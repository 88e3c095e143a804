"""The training loop of both steps: seeded, resumable, with averaged weights."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.optim import AdamW
from torch.optim.lr_scheduler import OneCycleLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from model.msroi import MSROI
from model.training.depthwise import fix_depthwise
from model.training.run_folder import append_log, draw_curves, restore_state, save_state

# The blocks up to the first of the three taps are not trained: they detect edges and textures,
# take a third of the time, and have 2 % of the weights.
FIRST_TRAINED_BLOCK: Final = 5
# Learning rate of the calibration, as a multiple of the head's. It learns logarithms of weights
# between 1/10 and 10, which change more than weights of layers.
CALIBRATION_RATE_FACTOR: Final = 10
LOG_EVERY_STEPS: Final = 10
SAVE_EVERY_STEPS: Final = 50

# Takes the network and a batch, returns losses by name; training minimises their sum.
ComputeLosses = Callable[[MSROI, Any], dict[str, Tensor]]
# The optimiser's groups of parameters; all others stay as they are.
Groups = list[dict[str, Any]]


@dataclass(frozen=True)
class Settings:
    """Settings of a run; written beside its weights."""

    steps: int
    head_rate: float  # peak learning rate of the head
    backbone_rate: float  # peak learning rate of the backbone
    batch_size: int
    seed: int = 0
    weight_decay: float = 0.01
    warm_up: float = 0.15  # share of the steps before the peak
    averaging: float = 0.99  # decay of the exponential average of the weights
    clip_norm: float = 1.0


def train(
    network: MSROI,
    batches: Dataset[Any],
    compute_losses: ComputeLosses,
    settings: Settings,
    *,
    folder: Path,
    device: str,
    loaders: int = 1,
    group: "Callable[[MSROI, Settings], Groups] | None" = None,
) -> MSROI:
    """Train, or resume the run in `folder`; return the averaged network in evaluation mode.

    Writes log.jsonl, curves.png and state.pt into `folder`. The same settings, batches and device
    give the same weights.

    Args:
        network: trained in place; its weights are replaced when a run is resumed.
        batches: batch n at index n; a named tuple of tensors or of such tuples.
        compute_losses: from network and batch to the losses by name.
        settings: of the run.
        folder: the run's folder; created if missing.
        device: "cpu" or "cuda".
        loaders: processes that prepare batches.
        group: chooses what is trained; `group_parameters` by default.

    Raises:
        RuntimeError: the folder's run was started with other settings.
    """
    folder.mkdir(parents=True, exist_ok=True)
    network = network.to(device, memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    groups = (group or group_parameters)(network, settings)
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
    start = restore_state(folder, parts, asdict(settings))
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
            losses = compute_losses(network, to_device(batch, device))
        total = torch.stack(list(losses.values())).sum()
        optimiser.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(trained, settings.clip_norm)
        optimiser.step()
        schedule.step()
        average.update_parameters(network)
        if step % LOG_EVERY_STEPS == 0:
            row = {name: round(float(loss.detach()), 4) for name, loss in losses.items()}
            append_log(folder, {"step": step, **row})
            progress.set_postfix(row)
        if (step + 1) % SAVE_EVERY_STEPS == 0 or step + 1 == settings.steps:
            save_state(folder, step + 1, parts, asdict(settings))
            draw_curves(folder / "log.jsonl", folder / "curves.png")
    averaged = average.module
    assert isinstance(averaged, MSROI)
    return averaged.eval()


def group_parameters(network: MSROI, settings: Settings) -> Groups:
    """Freeze the early blocks and depthwise kernels; return the optimiser's parameter groups."""
    backbone = network.backbone
    backbone.requires_grad_(requires_grad=False)
    late = backbone.blocks[FIRST_TRAINED_BLOCK:]
    late.requires_grad_(requires_grad=True)
    fix_depthwise(late)
    tuned = [parameter for parameter in late.parameters() if parameter.requires_grad]
    calibration = [network.log_feature_weights, network.log_prior_y, network.log_prior_x]
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    other_groups = {id(parameter) for parameter in (*calibration, *tuned)}
    head = [parameter for parameter in trained if id(parameter) not in other_groups]
    groups = [
        {"params": head, "lr": settings.head_rate},
        {"params": tuned, "lr": settings.backbone_rate},
    ]
    if calibration[0].requires_grad:
        rate = settings.head_rate * CALIBRATION_RATE_FACTOR
        groups.append({"params": calibration, "lr": rate, "weight_decay": 0.0})
    return groups


def group_class_parameters(network: MSROI, settings: Settings) -> Groups:
    """Freeze all but the class layer and the context; return their group."""
    assert network.context is not None
    network.requires_grad_(requires_grad=False)
    trained = [*network.context.parameters(), *network.classes.parameters()]
    for parameter in trained:
        parameter.requires_grad = True
    return [{"params": trained, "lr": settings.head_rate}]


def to_device(batch: Any, device: str) -> Any:
    """Return a batch (a named tuple of tensors, of such tuples or of None) on the device."""
    if batch is None or isinstance(batch, Tensor):
        return batch if batch is None else batch.to(device, non_blocking=True)
    return type(batch)(*(to_device(part, device) for part in batch))
