"""Gives a file in 8 bits the classes of other weights; the map from recorded gaze keeps its bits.

The features of the file stay. The class branch is what only classes read: the context and the class
layer. Its linear layers are fitted by least squares to what the float network returns, from the
inputs that they have in the file. So they make up for what pruning and rounding changed before them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple, cast

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from model.efficientnet import Conv
from model.head import Head
from model.msroi import CONTEXT_WIDTH, MSROI, Context, exponentiate, normalise_pixels, upsample_2x
from model.onnx_predictor import HEAD
from model.training.int8.calibration import Recorder
from model.training.int8.onnx_file import Quantized, Writer
from model.training.int8.pruning import flatten

# Tensors of the file: the features at stride 16; what the last projection reads, which returns those
# at stride 32 for the map and, after them, for the context; and features that the class layer reads.
AT_16, BEFORE_32 = "sum_10", "backbone.blocks.15.depthwise"
PROJECT: Final = "backbone.blocks.15.project"
FINE, COARSE = "features", "coarse"
# Of the mean square of the inputs: draws weights to those before.
RIDGE: Final = 1e-3
# A position counts for a class by the probability that it shows the class, and by this much more.
EVEN_WEIGHT: Final = 0.003

Constants = dict[str, onnx.TensorProto]


class Sample(NamedTuple):
    """Of one photo: inputs of the branch in the file, and what its layers shall return."""

    pixels: NDArray[np.uint8]  # (1, H, W, 4)
    at_16: Tensor  # (1, 112, H/16, W/16)
    before_32: Tensor  # (1, k, H/32, W/32)
    fine: Tensor  # (1, 64, H/8, W/8)
    wanted_16: Tensor  # (1, 64, H/16, W/16), before ReLU6
    wanted_32: Tensor  # (1, 64, H/32, W/32), before ReLU6
    wanted_logs: Tensor  # (1, C·D, H/8, W/8)


@torch.inference_mode()
def replace_class_branch(
    file: onnx.ModelProto, network: MSROI, photos: Iterable[NDArray[np.uint8]]
) -> None:
    """Fit the class branch of a file to a network, in place.

    Args:
        file: from `write_onnx`, of a network whose last projection was merged.
        network: with the same features and the same map.
        photos: (H, W, 3) at the network's input size.

    Raises:
        ValueError: the file's branch has other shapes or ranges.
    """
    session = open_session(file, (AT_16, BEFORE_32, FINE))
    samples = [take_sample(session, network, photo) for photo in photos]
    constants = {constant.name: constant for constant in file.graph.initializer}
    write_context(constants, fit_context(network, samples), samples)
    session = open_session(file, (COARSE,))
    layer = fit_class_layer(network, session, samples)  # (64 + 64 + 1, C·D)
    split = np.split(layer.numpy(), [len(layer) - 1 - CONTEXT_WIDTH, len(layer) - 1])
    for name, values in zip(("classes.kernel", "context.classes.kernel"), split[:2], strict=True):
        put(constants, name, values)
    put(constants, "classes.bias", split[2][0])
    (head,) = (entry for entry in file.metadata_props if entry.key == HEAD)
    head.value = replace(Head.from_json(head.value), config=network.config).to_json()
    onnx.checker.check_model(file, full_check=True)


def open_session(file: onnx.ModelProto, outputs: Sequence[str]) -> onnxruntime.InferenceSession:
    """Return the file with these tensors as its outputs."""
    shown = onnx.ModelProto()
    shown.CopyFrom(file)
    del shown.graph.output[:]
    shown.graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs
    )
    return onnxruntime.InferenceSession(
        shown.SerializeToString(), providers=["CPUExecutionProvider"]
    )


def take_sample(
    session: onnxruntime.InferenceSession, network: MSROI, photo: NDArray[np.uint8]
) -> Sample:
    """Return what both make of a photo, (H, W, 3)."""
    context = cast("Context", network.context)
    pixels = np.pad(photo[None], ((0, 0), (0, 0), (0, 0), (0, 1)))
    at_16, before_32, fine = map(torch.from_numpy, session.run(None, {"pixels": pixels}))
    taps = network.taps(normalise_pixels(torch.from_numpy(photo)[None]))
    logs = network.classes(network.fine_features(taps)) + context(*taps[1:])
    laterals = (cast("Conv", layer).conv for layer in context.laterals)
    wanted_16, wanted_32 = (conv(tap) for conv, tap in zip(laterals, taps[1:], strict=True))
    fine = fine.permute(0, 3, 1, 2)
    return Sample(pixels, at_16, before_32, fine, wanted_16, wanted_32, logs)


def fit_context(network: MSROI, samples: Sequence[Sample]) -> Context:
    """Return the context with laterals that read the file's features."""
    context = Context(network.classes.out_channels)
    context.load_state_dict(cast("Context", network.context).state_dict())
    first = cast("Conv", context.laterals[0]).conv
    pairs = [(flatten(s.at_16), flatten(s.wanted_16), torch.ones(())) for s in samples]
    set_weights(first, fit(pairs, read_weights(first)))
    # It reads what the last projection reads: there are no weights before.
    pairs = [(flatten(s.before_32), flatten(s.wanted_32), torch.ones(())) for s in samples]
    width = samples[0].before_32.shape[1]
    merged = Conv(width, CONTEXT_WIDTH)
    set_weights(merged.conv, fit(pairs, torch.zeros(width + 1, CONTEXT_WIDTH).double()))
    context.laterals[1] = merged
    return context


def fit_class_layer(
    network: MSROI, session: onnxruntime.InferenceSession, samples: Sequence[Sample]
) -> Tensor:
    """Return weights and bias of the features, fine and coarse: (64 + 64 + 1, C·D) float32."""
    context = cast("Context", network.context)
    before = torch.cat([read_weights(context.classes)[:-1], read_weights(network.classes)[-1:]])
    before = torch.cat([read_weights(network.classes)[:-1], before])
    inputs, wanted = [], []
    for sample in samples:
        (coarse,) = session.run(None, {"pixels": sample.pixels})
        large = upsample_2x(torch.from_numpy(coarse).permute(0, 3, 1, 2))
        x = torch.cat([sample.fine, large], 1)
        # A quarter of the positions tells as much.
        inputs.append(flatten(x[..., ::2, ::2]))
        wanted.append(flatten(sample.wanted_logs[..., ::2, ::2]))
    outputs = []
    features = network.config.features_per_class
    for start in range(0, before.shape[1], features):
        own = slice(start, start + features)
        pairs = []
        for x, y in zip(inputs, wanted, strict=True):
            evidence = exponentiate(y[:, own]).sum(1, keepdim=True)
            pairs.append((x, y[:, own], evidence / (1 + evidence) + EVEN_WEIGHT))
        outputs.append(fit(pairs, before[:, own]))
    return torch.cat(outputs, 1).float()


def fit(pairs: Iterable[tuple[Tensor, Tensor, Tensor]], before: Tensor) -> Tensor:
    """Return weights and bias by least squares, drawn to those before: (k + 1, C) float64.

    Args:
        pairs: inputs (n, k), wanted outputs (n, C), and the weight of each position, (n, 1) or ().
        before: (k + 1, C) float64, the bias last; it is not drawn.
    """
    gram, products = torch.zeros(()).double(), torch.zeros(()).double()
    for inputs, wanted, weight in pairs:
        x = torch.cat([inputs, torch.ones(len(inputs), 1)], 1).double()
        weighted = x * weight.double()
        gram = gram + weighted.T @ x
        products = products + weighted.T @ (wanted.double() - x @ before)
    ridge = RIDGE * gram.diagonal()[:-1].mean() * torch.ones(len(gram)).double()
    ridge[-1] = 0
    solved: Tensor = torch.linalg.solve(gram + ridge.diag(), products)
    return before + solved


def read_weights(conv: nn.Conv2d) -> Tensor:
    """Return the weights of a 1×1 convolution and its bias, if any: (in + 1, out) float64."""
    weights = conv.weight.detach()[:, :, 0, 0].T
    bias = weights.new_zeros(weights.shape[1]) if conv.bias is None else conv.bias.detach()
    return torch.cat([weights, bias[None]]).double()


def set_weights(conv: nn.Conv2d, weights: Tensor) -> None:
    """Set weights and bias of a 1×1 convolution: (in + 1, out)."""
    conv.weight.data = weights[:-1].T.float()[:, :, None, None].contiguous()
    conv.bias = nn.Parameter(weights[-1].float())


def write_context(constants: Constants, context: Context, samples: Sequence[Sample]) -> None:
    """Put a context in 8 bits into the constants of a file."""
    first, merged = (cast("Conv", layer) for layer in context.laterals)
    refine = context.refine
    names: dict[nn.Module, str] = {
        first: "context.laterals.0",
        merged: PROJECT,
        refine.depthwise: "context.refine.depthwise",
        refine.mix: "context.refine.mix",
    }
    recorder = Recorder(names)
    for sample in samples:
        at_16 = recorder.record(AT_16, sample.at_16)
        before_32 = recorder.record(BEFORE_32, sample.before_32)
        walk_context(recorder, context, at_16, before_32)
    writer = Writer(names, recorder.activations)

    def read(name: str) -> Quantized:
        scale, zero_point = (
            numpy_helper.to_array(constants[f"{name}.{key}"]) for key in ("scale", "zero_point")
        )
        means = np.asarray(recorder.activations[name].means)
        return Quantized(name, np.float32(scale), np.uint8(zero_point), means)

    walk_context(writer, context, read(AT_16), read(BEFORE_32))
    for written in writer.constants:
        values = numpy_helper.to_array(written)
        if written.name not in constants:
            continue  # of enlarging what the file takes from all outputs of the projection
        place = put_last_rows if written.name.startswith(PROJECT) else put
        place(constants, written.name, values)


def walk_context(layers: Any, context: Context, at_16: Any, before_32: Any) -> None:
    """Make the passes of `calibration.walk` through a context whose last lateral is merged."""
    first, merged = context.laterals
    x = layers.convolve(first, at_16)
    x = layers.add("context", x, layers.upsample(layers.convolve(merged, before_32)))
    mixed = layers.convolve(context.refine.mix, layers.convolve(context.refine.depthwise, x))
    layers.add("refined_context", x, mixed)


def put(constants: Mapping[str, onnx.TensorProto], name: str, values: NDArray[Any]) -> None:
    """Replace a constant.

    Raises:
        ValueError: it has another shape or type.
    """
    before = numpy_helper.to_array(constants[name])
    if before.shape != values.shape or before.dtype != values.dtype:
        raise ValueError(
            f"{name}: the file has {before.dtype} {before.shape}, not {values.dtype} {values.shape}"
        )
    constants[name].CopyFrom(numpy_helper.from_array(np.array(values, order="C"), name))


def put_last_rows(
    constants: Mapping[str, onnx.TensorProto], name: str, values: NDArray[Any]
) -> None:
    """Replace what belongs to the last outputs; a value for all outputs must stay.

    Raises:
        ValueError: it would not.
    """
    whole = numpy_helper.to_array(constants[name]).copy()
    if whole.ndim:
        whole[-len(values) :] = values
    elif whole != values:
        raise ValueError(f"{name}: the file has {whole}, not {values}; the map would change")
    put(constants, name, whole)
