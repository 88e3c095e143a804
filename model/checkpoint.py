"""Weights files: safetensors with the config as metadata, each with a `.sha256` file."""

import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Final

from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from model.config import MSROIConfig
from model.msroi import MSROI
from model.weights_file import SHIPPED_WEIGHTS, read_weights, write_weights

# Settings that earlier weights lack, as these were.
ADDED_SETTINGS: Final = {"context": False, "gaze_features": 0, "levelling": 0.0}


def write_checkpoint(path: Path, config: MSROIConfig, state: Mapping[str, Tensor]) -> str:
    """Write the weights and `<stem>.sha256` (in the format of `sha256sum`), return the checksum.

    The same weights give the same bytes: safetensors sorts the tensors. Its metadata is an
    unordered map, so there is only one entry.
    """
    contents = save(
        {name: tensor.contiguous() for name, tensor in state.items()},
        metadata={"config": json.dumps(asdict(config), sort_keys=True)},
    )
    return write_weights(path, contents)


def read_checkpoint(path: Path) -> tuple[MSROIConfig, dict[str, Tensor], str]:
    """Return the config, the tensors as stored (float16) and the checksum.

    Raises:
        RuntimeError: the file or its checksum is missing, they disagree, or the file is of another
            version of the network.
    """
    _, checksum = read_weights(path)
    with safe_open(path, framework="pt") as stored:
        settings = json.loads((stored.metadata() or {}).get("config", "{}"))
        settings = {**ADDED_SETTINGS, **settings}
        state = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    # A default must not replace a missing setting: the weights were made with another value.
    if settings.keys() != {field.name for field in fields(MSROIConfig)}:
        raise RuntimeError(f"weights: {path} was made for another version of the network")
    # JSON has no tuples.
    config = MSROIConfig(**{**settings, "classes": tuple(settings["classes"])})
    return config, state, checksum


def load_network(path: Path = SHIPPED_WEIGHTS) -> tuple[MSROI, str]:
    """Return the network in float32, on the CPU, in evaluation mode; and the checksum.

    Raises:
        RuntimeError: as `read_checkpoint`, or the tensors do not fit the config.
    """
    config, state, checksum = read_checkpoint(path)
    network = MSROI(config)
    network.load_state_dict(state)  # float16 on disk becomes the network's float32
    return network.eval(), checksum
