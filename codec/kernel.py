"""The one way this package compiles a function to machine code."""

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
