"""Quantization on a CUDA device: the processor's functions compiled for it, with the same results.

Nothing imports this package but who wants the device: it needs numba's CUDA target, and a device or
numba's simulator of one (NUMBA_ENABLE_CUDASIM=1).
"""

from codec.device.quantizer import CudaQuantizer

__all__ = ["CudaQuantizer"]
