"""The network as an ONNX file whose convolutions compute in 8-bit integers.

The file has the quantize–dequantize form: each activation is rounded to uint8 and back. A runtime
computes what lies between in integers. The class layer stays float32: its outputs are logarithms,
and a step of theirs would be a step of 5 % in the map.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from model.config import MAX_LOG_EVIDENCE, PIXEL_MEAN, PIXEL_STD
from model.efficientnet import Conv
from model.head import Head
from model.msroi import MSROI
from model.onnx_predictor import HEAD
from model.training.int8.calibration import Activation, name_modules, walk

# Of ONNX: old enough for every runtime of the last years.
OPSET: Final = 17
IR_VERSION: Final = 9
# Of pixels in the file; the last one is empty. The runtime has no fast kernel for three.
PIXEL_CHANNELS: Final = 4
UINT8_MAX: Final = 255
INT8_MAX: Final = 127
# Biases are added in int32; half of its range is left for the products.
MAX_BIAS_STEPS: Final = 2**30


@dataclass(frozen=True)
class Quantized:
    """An activation in the file: real value = scale · (stored value − zero point)."""

    name: str  # of the dequantized tensor
    scale: np.float32
    zero_point: np.uint8
    means: NDArray[np.float64]  # of its channels: (C,)


class Writer:
    """`Layers` that write ONNX nodes."""

    def __init__(self, names: dict[nn.Module, str], activations: Mapping[str, Activation]) -> None:
        self._names = names
        self._activations = activations
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: Any) -> str:
        """Add a constant of any shape; return its name."""
        self.constants.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(self, operator: str, inputs: list[str], name: str, **attributes: Any) -> str:
        """Add a node; return its output, which has the node's name."""
        self.nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def dequantize(self, name: str, values: str, scale: Any, zero_point: Any, axis: int = 1) -> str:
        """Return real values of a tensor of integers; a scale for each index of `axis`, or one."""
        inputs = [
            values,
            self.constant(f"{name}.scale", scale),
            self.constant(f"{name}.zero_point", zero_point),
        ]
        return self.node("DequantizeLinear", inputs, name, axis=axis)

    def quantize(self, name: str, x: str, like: Quantized | None = None) -> Quantized:
        """Return `x` rounded to uint8, with the range of that activation or that of `like`."""
        if like is None:
            seen = self._activations[name]
            scale, zero_point = choose_steps(seen.low, seen.high)
            means = np.asarray(seen.means)
        else:
            scale, zero_point, means = like.scale, like.zero_point, like.means
        steps = [f"{name}.scale", f"{name}.zero_point"]
        stored = self.node("QuantizeLinear", [x, *steps], f"{name}.stored")
        real = self.dequantize(name, stored, scale, zero_point)
        return Quantized(real, scale, zero_point, means)

    def convolve(self, conv: Conv, x: Quantized) -> Quantized:
        """Return the convolution. Its range, from 0 to at most 6, is what ReLU6 does."""
        name = self._names[conv]
        module = conv.conv
        assert module.bias is not None
        weights, bias = to_numpy(module.weight), to_numpy(module.bias)  # (out, in / groups, k, k)
        if missing := len(x.means) - weights.shape[1] * module.groups:
            weights = np.pad(weights, ((0, 0), (0, missing), (0, 0), (0, 0)))
        # An output without weights may have a bias, which is stored in steps of both scales.
        least = np.maximum(np.abs(bias), 1e-6) / (float(x.scale) * MAX_BIAS_STEPS)
        scales = np.maximum(scale_weights(weights), least).astype(np.float32).astype(np.float64)
        stored = np.rint(weights / scales[:, None, None, None]).astype(np.int8)
        errors = (stored * scales[:, None, None, None] - weights).sum((2, 3))
        # A rounded weight shifts the mean of its output by its error times the mean of its input.
        means = x.means[:, None] if module.groups > 1 else x.means
        bias = bias - (errors * means).sum(1)
        bias_scales = (scales * x.scale).astype(np.float32)
        zeros = np.zeros(len(bias), np.int8)
        side, stride = module.kernel_size[0], module.stride[0]
        # TensorFlow's SAME padding; `Conv` reaches it by cropping.
        after = side // 2
        before = after - conv.crops
        y = self.node(
            "Conv",
            [
                x.name,
                self.dequantize(
                    f"{name}.weight",
                    self.constant(f"{name}.weight.stored", stored),
                    scales.astype(np.float32),
                    zeros,
                    axis=0,
                ),
                self.dequantize(
                    f"{name}.bias",
                    self.constant(
                        f"{name}.bias.stored", np.rint(bias / bias_scales).astype(np.int32)
                    ),
                    bias_scales,
                    zeros.astype(np.int32),
                    axis=0,
                ),
            ],
            f"{name}.real",
            kernel_shape=[side, side],
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=module.groups,
        )
        return self.quantize(name, y)

    def add(self, name: str, x: Quantized, y: Quantized) -> Quantized:
        """Return the sum."""
        return self.quantize(name, self.node("Add", [x.name, y.name], f"{name}.real"))

    def upsample(self, x: Quantized) -> Quantized:
        """Return `x` at twice the size."""
        name = f"{x.name}.upsampled"
        scales = self.constant(f"{name}.factors", np.array([1, 1, 2, 2], np.float32))
        real = self.node("Resize", [x.name, "", scales], f"{name}.real", mode="linear")
        return self.quantize(name, real, like=x)

    def pick(self, name: str, x: Quantized, channels: slice) -> Quantized:
        """Return some channels of `x`."""
        places = ("starts", channels.start), ("ends", channels.stop), ("axes", 1)
        inputs = [self.constant(f"{name}.{key}", np.array([value])) for key, value in places]
        real = self.node("Slice", [x.name, *inputs], f"{name}.real")
        return replace(self.quantize(name, real, like=x), means=x.means[channels])


def choose_steps(low: float, high: float) -> tuple[np.float32, np.uint8]:
    """Return scale and zero point of a range that contains 0."""
    scale = np.float32(max(high - low, 1e-6) / UINT8_MAX)
    return scale, np.uint8(np.rint(-low / scale))


def scale_weights(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the scale of each output's weights: (out, in, k, k) -> (out,).

    x86 processors without VNNI add the products of two neighbouring inputs in 16 bits, with
    saturation. 255 · (|a| + |b|) fits into them up to |a| + |b| = 128, so the two largest neighbours
    decide: rounded from 127, they never exceed 128. Depthwise kernels have one input.
    """
    sizes = np.abs(weights)
    sizes = np.pad(sizes, ((0, 0), (0, sizes.shape[1] % 2), (0, 0), (0, 0)))
    pairs = sizes[:, 0::2] + sizes[:, 1::2] if weights.shape[1] > 1 else sizes
    scales: NDArray[np.float64] = pairs.max((1, 2, 3)) / INT8_MAX
    return scales


def to_numpy(tensor: Tensor) -> NDArray[np.float64]:
    """Return a parameter in float64."""
    values: NDArray[np.float64] = tensor.detach().double().numpy()
    return values


def write_outputs(
    writer: Writer, network: MSROI, fine: str, context: str | None
) -> list[tuple[str, list[int | str]]]:
    """Write what follows the features; return name and shape of each output of the file."""
    # The runtime keeps its own activations in this order; a convolution would need another.
    last = writer.node("Transpose", [fine], "features", perm=[0, 2, 3, 1])
    bias = writer.constant("classes.bias", cast("Tensor", network.classes.bias).detach().numpy())
    logs = multiply(writer, "classes", network.classes, last)
    if network.context is None or context is None:
        logs = writer.node("Add", [logs, bias], "logs")
    else:
        coarse = writer.node("Transpose", [context], "coarse", perm=[0, 2, 3, 1])
        added = multiply(writer, "context.classes", network.context.classes, coarse)
        # Here there are fewer positions to add the bias to.
        added = writer.node("Add", [added, bias], "context.biased")
        added = writer.node("Transpose", [added], "context.planes", perm=[0, 3, 1, 2])
        factors = writer.constant("context.factors", np.array([1, 1, 2, 2], np.float32))
        added = writer.node("Resize", [added, "", factors], "context.large", mode="linear")
        added = writer.node("Transpose", [added], "context.logs", perm=[0, 2, 3, 1])
        logs = writer.node("Add", [logs, added], "logs")
    limit = writer.constant("classes.limit", np.float32(MAX_LOG_EVIDENCE))
    writer.node("Exp", [writer.node("Min", [logs, limit], "limited")], "class_maps")
    outputs: list[tuple[str, list[int | str]]] = [
        ("class_maps", [1, "h", "w", network.classes.out_channels])
    ]
    if network.gaze is not None:
        # exp(x + b) = exp(x) · exp(b): the sum takes up the bias.
        shift = cast("Tensor", network.gaze.bias).detach()
        limit = writer.constant("gaze.limit", (MAX_LOG_EVIDENCE - shift).numpy())
        weights = writer.constant("gaze.weights", shift.exp().numpy()[:, None])
        logs = multiply(writer, "gaze.logs", network.gaze, last)
        limited = writer.node("Min", [logs, limit], "gaze.limited")
        features = writer.node("Exp", [limited], "gaze.features")
        # With a vector instead of a matrix of one column it takes ten times as long.
        summed = writer.node("MatMul", [features, weights], "gaze.sum")
        axis = writer.constant("gaze.axis", np.array([3]))
        outputs.append((writer.node("Squeeze", [summed, axis], "gaze"), [1, "h", "w"]))
    return outputs


def multiply(writer: Writer, name: str, layer: nn.Conv2d, features: str) -> str:
    """Return the layer's outputs without its bias: (1, h, w, in) -> (1, h, w, out)."""
    kernel = layer.weight.detach()[:, :, 0, 0].T.contiguous().numpy()  # (in, out)
    return writer.node("MatMul", [features, writer.constant(f"{name}.kernel", kernel)], name)


def write_onnx(network: MSROI, activations: Mapping[str, Activation]) -> bytes:
    """Return the file: (1, H, W, 4) uint8 pixels to (1, H/8, W/8, C·D) float32 class maps.

    And to the sum over the calibrated features, (1, H/8, W/8), where the network has them.
    """
    writer = Writer(name_modules(network), activations)
    planes = writer.node("Transpose", ["pixels"], "planes", perm=[0, 3, 1, 2])
    # Pixels are stored integers already; their steps are `normalise_pixels`.
    scale, zero_point = np.float32(1 / PIXEL_STD), np.uint8(PIXEL_MEAN)
    image = writer.dequantize("image", planes, scale, zero_point)
    means = np.append(activations["image"].means, np.zeros(PIXEL_CHANNELS - 3))
    fine, context = walk(network, writer, Quantized(image, scale, zero_point, means))
    outputs = write_outputs(writer, network, fine.name, context.name if context else None)
    graph = helper.make_graph(
        writer.nodes,
        "msroi",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, [1, "H", "W", PIXEL_CHANNELS])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, sides) for name, sides in outputs],
        writer.constants,
    )  # fmt: skip
    file = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    head = Head(
        network.config,
        *(
            parameter.detach().numpy()
            for parameter in (network.log_feature_weights, network.log_prior_y, network.log_prior_x)
        ),
    )
    helper.set_model_props(file, {HEAD: head.to_json()})
    onnx.checker.check_model(file, full_check=True)
    return bytes(file.SerializeToString())
