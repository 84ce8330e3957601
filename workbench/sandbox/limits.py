"""What a program may use before it is ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of one program; the defaults serve short functions and their tests."""

    wall_seconds: int = 10
    """Generous, so that a busy machine does not decide: ``cpu_seconds`` ends most programs."""
    cpu_seconds: int = 4
    memory_mib: int = 1024
    """Of address space, Python's own few hundred MiB among it."""
    processes: int = 8
    files: int = 64
    output_kib: int = 1024
    """Of any one file; what is printed goes into one."""
    tmp_mib: int = 32
    """Of all files together."""
