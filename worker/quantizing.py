"""Where this worker quantizes: on its cores, or on a CUDA device that has shown that it agrees."""

import logging
from typing import Literal

from codec import HOST, Quantizer
from codec.agreement import find_difference

log = logging.getLogger(__name__)


def choose_quantizer(device: Literal["cpu", "cuda"]) -> Quantizer:
    """Return the device's quantizer if it decides as the processor does, else the processor's."""
    if device == "cpu":
        return HOST
    try:
        quantizer = open_device()
        difference = find_difference(quantizer)
    except Exception as error:  # noqa: BLE001 -- no driver, no compiler, no memory: the cores can do it
        reason = " ".join(str(error).split())[:300]
        log.warning("CODEC_DEVICE=cuda: quantizing on the CPU: %s", reason or repr(error))
        return HOST
    if difference is not None:
        log.warning(
            "CODEC_DEVICE=cuda: quantizing on the CPU: the device differs in %s", difference
        )
        return HOST
    log.info("quantizing on the CUDA device")
    return quantizer


def open_device() -> Quantizer:
    """Return the CUDA device's quantizer.

    Raises:
        Exception: of many kinds, where numba finds no device.
    """
    from codec.device import CudaQuantizer  # noqa: PLC0415 -- who doesn't ask for it needs none of it

    return CudaQuantizer()
