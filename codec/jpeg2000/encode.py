"""The encoder's pipeline: from pixels and a saliency map to the JP2 file that meets the target."""

import numpy as np
from numpy.typing import NDArray

from codec.jpeg.inputs import check_image, drop_flat_map
from codec.jpeg.rate_control.standard_jpeg import measure_reference
from codec.jpeg2000.block_weights import weigh_blocks
from codec.jpeg2000.codestream import write_codestream
from codec.jpeg2000.container import write_jp2
from codec.jpeg2000.layered import Layered, code_layers
from codec.jpeg2000.packet_writer import write_packets
from codec.jpeg2000.quality import describe_reference, measure_unit, predict_log_lambda
from codec.jpeg2000.rate_search import CutPlan, fill_rest, find_log_lambda
from codec.jpeg2000.tuning import choose_weights
from codec.settings import Encoded, EncodeSettings, OutOfReachError


def encode(
    image: NDArray[np.uint8],
    saliency: NDArray[np.float32] | None,
    settings: EncodeSettings,
    *,
    reference_bytes: int | None = None,
    icc: bytes | None = None,
) -> Encoded:
    """Encode `image` in at most the bytes of the standard JPEG, better where `saliency` is high.

    With `target="size"` the file fills them, up to 1 %, unless the image has less to code. With
    `target="quality"` it ends where the salient region is predicted to look as good as in the
    reference, and the background as good as in the reference at quality `floor`.

    Args:
        image: (h, w, 3) sRGB or (h, w) grey.
        saliency: (h', w') of any size in [0, 1]; None encodes as with strength 0.
        settings: see EncodeSettings; `subsampling` and `tune` have no effect.
        reference_bytes: the result of `measure_reference`, if already known.
        icc: a profile of the restricted kind (`write_jp2`); None means sRGB.

    Raises:
        ValueError: an array has a wrong type, shape or range, or a side exceeds 65,500 pixels.
        OutOfReachError: a file without any code-block takes more than `settings.max_bytes`.
        UnexpectedCodestreamError: OpenJPEG writes what our reader does not expect.
    """
    check_image(image)
    saliency, effective = drop_flat_map(saliency, settings)
    image = np.ascontiguousarray(image)
    if reference_bytes is None:
        reference_bytes = measure_reference(image, settings.quality)
    layered = code_layers(image)
    ratio, rise = choose_weights(effective.strength)
    weights = weigh_blocks(layered.layout, layered.header.size, saliency, ratio, rise)
    wanted = -np.inf
    if settings.target == "quality":
        unit = measure_unit(image)
        most = predict_log_lambda(describe_reference(image, saliency, settings.quality)) - unit
        least = describe_reference(image, None, settings.least_quality)
        wanted = most + float(np.log(weights.max()))
        # Blocks of the background, too, keep what the reference of the floor would.
        weights = np.maximum(weights, np.exp(wanted + unit - predict_log_lambda(least)))
    plan = CutPlan(layered, weights, progressive=settings.progressive)
    limit = min(reference_bytes, settings.max_bytes or reference_bytes)
    overhead = len(_assemble(layered, 1, b"", icc))
    log_lambda = find_log_lambda(plan, limit - overhead)
    if wanted > log_lambda:
        cuts = plan.cut(wanted)
    else:
        cuts = fill_rest(plan, plan.cut(log_lambda), limit - overhead)
    packets = write_packets(layered.blocks, layered.layout, cuts)
    file = _assemble(layered, len(cuts), packets, icc)
    if settings.max_bytes is not None and len(file) > settings.max_bytes:
        raise OutOfReachError(settings.max_bytes, len(file))
    return Encoded(file, reference_bytes, 1)


def _assemble(layered: Layered, layers: int, packets: bytes, icc: bytes | None) -> bytes:
    """Return the JP2 file with these packets."""
    header = layered.header
    codestream = write_codestream(header, layers, packets)
    return write_jp2(codestream, header.size, header.components, icc=icc)


def warm_up() -> None:
    """Compile or load every kernel, so that no later encode waits for one."""
    ramp = np.arange(24 * 24 * 3, dtype=np.uint8).reshape(24, 24, 3)
    saliency = np.linspace(0.0, 1.0, 9, dtype=np.float32).reshape(3, 3)
    encode(ramp, saliency, EncodeSettings())
