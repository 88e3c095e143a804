import copy

import pytest
import torch
from torch import nn

from model.config import MSROIConfig
from model.efficientnet import Conv, MBConv
from model.msroi import MSROI
from model.training.depthwise import FixedDepthwiseConv, fix_depthwise

CHANNELS = 6


def depthwise(kernel: int, stride: int) -> Conv:
    torch.manual_seed(kernel + stride)
    return Conv(CHANNELS, CHANNELS, kernel=kernel, stride=stride, groups=CHANNELS)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("size", [(8, 12), (9, 7), (6, 11), (3, 3)])
def test_values_and_gradients_equal_those_of_a_plain_convolution(
    kernel: int, stride: int, size: tuple[int, int]
) -> None:
    plain = depthwise(kernel, stride)
    fixed = copy.deepcopy(plain)
    fix_depthwise(fixed)
    assert isinstance(fixed.conv, FixedDepthwiseConv)
    inputs = [torch.randn(2, CHANNELS, *size).requires_grad_()]
    inputs.append(inputs[0].detach().clone().requires_grad_())
    outputs = [conv.conv(x) for conv, x in zip((plain, fixed), inputs, strict=True)]
    assert torch.equal(*outputs)
    gradient = torch.randn_like(outputs[0])
    for output in outputs:
        output.backward(gradient)
    first, second = (x.grad for x in inputs)
    assert first is not None
    assert second is not None
    assert first.abs().max() > 0.01
    torch.testing.assert_close(second, first, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
def test_gradients_agree_with_the_crop_and_the_in_place_activation(stride: int) -> None:
    torch.manual_seed(1)
    plain = MBConv(4, 4, kernel=5, stride=stride, expansion=6)
    fixed = copy.deepcopy(plain)
    fix_depthwise(fixed)
    inputs = [torch.randn(2, 4, 10, 8).requires_grad_()]
    inputs.append(inputs[0].detach().clone().requires_grad_())
    for block, x in zip((plain, fixed), inputs, strict=True):
        block(x).square().sum().backward()
    torch.testing.assert_close(inputs[1].grad, inputs[0].grad, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(fixed.expand.conv.weight.grad, plain.expand.conv.weight.grad)
    torch.testing.assert_close(fixed.project.conv.weight.grad, plain.project.conv.weight.grad)


def test_fixed_kernels_get_no_gradient() -> None:
    block = MBConv(4, 4, kernel=3, stride=1, expansion=6)
    fix_depthwise(block)
    block(torch.randn(1, 4, 8, 8)).sum().backward()
    with_gradient = {name for name, weight in block.named_parameters() if weight.grad is not None}
    assert with_gradient == {
        f"{part}.conv.{kind}" for part in ("expand", "project") for kind in ("weight", "bias")
    }


def test_names_values_and_other_convolutions_stay() -> None:
    network = MSROI(MSROIConfig(("thing",)))
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    fix_depthwise(network.backbone)
    after = network.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    for name, conv in network.named_modules():
        if isinstance(conv, nn.Conv2d):
            fixed = name.startswith("backbone.") and conv.groups > 1
            assert isinstance(conv, FixedDepthwiseConv) == fixed, name
            assert all(weight.requires_grad != fixed for weight in conv.parameters()), name
