"""The two decorators that compile a function to machine code with numba."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

import llvmlite.binding
import numba

from codec.kernel_cache import find_parent, open_kernel_cache

P = ParamSpec("P")
R = TypeVar("R")

_FAST_MATH: Final = {"contract", "nsz", "reassoc"}
"""Sums may be reordered and fused with products, which lets the compiler use vector instructions. The order
is fixed when a kernel is compiled, so two runs on one machine give the same bytes. NaN and ∞ keep their
meaning."""

_CONFIG: Final[Any] = numba.config  # its names come from the environment at run time
_CPU: Final = _CONFIG.CPU_NAME or llvmlite.binding.get_host_cpu_name()
_FEATURES: Final = _CONFIG.CPU_FEATURES or llvmlite.binding.get_host_cpu_features().flatten()

CACHE: Final = open_kernel_cache(
    Path(__file__).parent,
    find_parent(_CONFIG.CACHE_DIR),
    target=f"{numba.__version__} {_CPU} {_FEATURES}",
)
"""The folder of compiled kernels; None where none can be written."""
if CACHE is not None:
    # Numba reads this setting when a function is decorated. The variable NUMBA_CACHE_DIR would be
    # inherited by child processes, and each would put its folder below its parent's.
    _CONFIG.CACHE_DIR = str(CACHE)


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` on its first call and keep the result on disk (`codec.kernel_cache`).

    Where no folder can be written, every process compiles its own kernels. Kernels release the
    interpreter lock, so several threads encode at once.
    """
    compiled = numba.njit(nogil=True, cache=CACHE is not None, fastmath=_FAST_MATH)(function)
    return cast("Callable[P, R]", compiled)


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` into every kernel that calls it; for the work on one block or line.

    Numba copies its source into each caller before it optimizes. A call with a dozen arrays would take
    as long as the work, and LLVM's own inlining made some of these functions slower.
    """
    compiled = numba.njit(
        nogil=True, cache=CACHE is not None, fastmath=_FAST_MATH, inline="always"
    )(function)
    return cast("Callable[P, R]", compiled)
