"""Calls of the C library that Python has no function for; each raises OSError where it fails."""

from __future__ import annotations

import ctypes
import os
import platform
from typing import Any

libc = ctypes.CDLL(None, use_errno=True)

MACHINE = platform.machine()
SET_DUMPABLE, SUBREAPER, NO_NEW_PRIVILEGES, DEATH_SIGNAL = 4, 36, 38, 1
"""Options of ``prctl``."""


def call(name: str, *arguments: Any) -> int:
    """Call a function of the C library; OSError where it fails."""
    found: int = getattr(libc, name)(*arguments)
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return found


def prctl(option: int, value: int) -> None:
    """Set something of this process."""
    call("prctl", option, *(ctypes.c_ulong(word) for word in (value, 0, 0, 0)))
