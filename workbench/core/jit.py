"""Compiles loops over arrays with numba, each when it is first called."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def compiled(function: Callable[P, T]) -> Callable[P, T]:
    """Compile a function with numba at its first call, and keep the machine code for later runs.

    It is not compiled when its module is imported: numba takes half a second to load, and a command
    that measures nothing should not wait for it. The function takes and returns arrays and numbers,
    uses numpy and plain loops on one core, and calls nothing else of this project, which numba
    could not compile. Arithmetic is as numpy's, but an index outside an array raises no error.

    Whoever waits for a first analysis waits for every function to be compiled, and what numpy it
    calls decides for how long: plain loops and numbers take 0.3 s, an array made inside 0.3 s more,
    a sum along an axis or a product of matrices 1 s, an array assigned to another 5 s. So callers
    make the arrays, also those to work in, and hand them over to be filled. They are of one type in
    every call, or the function is compiled once more: no read-only ones beside others.
    """

    @cache
    def machine_code() -> Callable[P, T]:
        from numba import njit

        found: Callable[P, T] = njit(cache=True)(function)
        return found

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        return machine_code()(*args, **kwargs)

    return call
