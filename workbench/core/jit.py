"""Loops that no library has, compiled when they are first called."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def compiled(function: Callable[P, T]) -> Callable[P, T]:
    """Compile a function with numba at its first call, and keep the machine code for later runs.

    Not when its module is imported: numba takes half a second to load, which a command that
    measures nothing should not wait for. The function may use numpy and plain loops, and calls
    nothing else of this project: numba sees what stands in it and no more.

    Args:
        function: over arrays and numbers. Its loops run on one core: several are made use of by
            several processes.

    Returns:
        The same function, compiled. Numbers are as numpy's; an index outside an array is not
        noticed.
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
