"""The codec's functions of one block as device functions."""

from collections.abc import Callable
from contextlib import suppress
from types import FunctionType
from typing import Any, Final

from numba import config, cuda

# What is small by its nature needs no warning at each launch.
config.CUDA_LOW_OCCUPANCY_WARNINGS = 0  # type: ignore[attr-defined]
with suppress(ImportError):  # numba-cuda has settings of its own
    from numba.cuda.core import config as own_config

    own_config.CUDA_LOW_OCCUPANCY_WARNINGS = 0

SIMULATED: Final = bool(config.ENABLE_CUDASIM)  # type: ignore[attr-defined]
"""Whether kernels run in numba's simulator, as Python on the processor."""

Function = Callable[..., Any]


def on_device(function: Any, **own: Function) -> Function:
    """Return a compiled part (`codec.kernel.part`) for the device, made of the same source.

    `own` are the device's functions in place of those that it calls by these names.
    """
    source: FunctionType = function.py_func
    names = {**source.__globals__, **own}
    return compile_function(FunctionType(source.__code__, names, source.__name__))


def compile_function(function: Function) -> Function:
    """Compile a function that kernels call, into each of them."""
    if SIMULATED:
        # The simulator's own wrapper swaps names at each call, which its threads do to one another.
        return function
    compiled: Function = cuda.jit(device=True, forceinline=True)(function)
    return compiled


def compile_kernel(function: Function) -> Any:
    """Compile a kernel on its first launch; arithmetic as strict as the processor's."""
    return cuda.jit(fastmath=False)(function)
