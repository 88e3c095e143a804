"""The two ways this package compiles a function to machine code."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` on its first call and keep the result on disk.

    Kernels release the interpreter lock, so several threads encode at once. Arithmetic stays strict
    (no fastmath): two runs on one machine give the same bytes. What is kept on disk is renewed when the
    kernel's own module changes, not when a kernel of another module does that it calls.
    """
    return cast("Callable[P, R]", numba.njit(nogil=True, cache=True)(function))


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` into every kernel that calls it: the work on one block or line.

    Numba copies its source into each caller before it optimizes either. A call with a dozen arrays
    would cost as much as the work, and LLVM's own inlining made some of these functions slower.
    """
    return cast("Callable[P, R]", numba.njit(nogil=True, cache=True, inline="always")(function))
