import pytest
import torch
from torch import Tensor
from torch.nn import functional

from model.efficientnet import CAN_FUSE, Backbone, Conv, MBConv
from tests.model.plain_lite0 import pad_same


def draw_images(size: tuple[int, int], count: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.rand(count, 3, *size, generator=generator) * 2 - 1


def test_the_backbone_has_the_published_number_of_parameters() -> None:
    backbone = Backbone()
    published = 4_652_008 - 1280 * (320 + 2) - 1000 * (1280 + 1)  # without the classifier's head
    parameters = sum(parameter.numel() for parameter in backbone.parameters())
    # A batch norm has two parameters per channel; merged, only the bias is left.
    merged = sum(m.conv.out_channels for m in backbone.modules() if isinstance(m, Conv))
    assert parameters + merged == published


@pytest.mark.parametrize("size", [(32, 32), (64, 96), (160, 96)])
def test_features_have_strides_8_16_and_32(size: tuple[int, int]) -> None:
    height, width = size
    with torch.inference_mode():
        shapes = [tuple(tap.shape) for tap in Backbone()(draw_images(size, 2))]
    assert shapes == [
        (2, 40, height // 8, width // 8),
        (2, 112, height // 16, width // 16),
        (2, 320, height // 32, width // 32),
    ]


@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 1), (3, 2), (5, 1), (5, 2)])
def test_convolutions_pad_like_tensorflow(kernel: int, stride: int) -> None:
    conv = Conv(3, 4, kernel=kernel, stride=stride, activate=False)
    images = draw_images((24, 40))
    weight, bias = conv.conv.weight, conv.conv.bias
    expected = functional.conv2d(pad_same(images, kernel, stride), weight, bias, stride)
    with torch.inference_mode():
        assert torch.allclose(conv(images), expected, atol=1e-5)


@pytest.mark.skipif(not CAN_FUSE, reason="torch has no oneDNN here")
@pytest.mark.parametrize("stride", [1, 2])
def test_a_fused_activation_gives_the_same_values(stride: int) -> None:
    torch.manual_seed(0)
    conv = Conv(3, 8, kernel=3, stride=stride).eval()
    images = 20 * draw_images((16, 24))  # so that values exceed both ends of ReLU6
    with torch.inference_mode():
        plain = conv(images)
        conv.fused = True
        fused = conv(images)
    assert (plain.min(), plain.max()) == (0, 6)
    torch.testing.assert_close(fused, plain, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("outputs", "stride", "residual"), [(4, 1, True), (6, 1, False), (4, 2, False)]
)
def test_a_block_adds_its_input_where_shapes_allow(
    outputs: int, stride: int, *, residual: bool
) -> None:
    block = MBConv(4, outputs, kernel=3, stride=stride, expansion=6)
    torch.nn.init.zeros_(block.project.conv.weight)
    torch.nn.init.zeros_(block.project.conv.bias)  # type: ignore[arg-type]
    x = torch.rand(1, 4, 8, 8)
    with torch.inference_mode():
        assert torch.equal(block(x), x) == residual
