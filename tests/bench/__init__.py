"""Benchmarks: `make bench`. Each file is one piece of work, timed beside what it is compared with.

A file has ``rows(full) -> iterable of Row``, and runs in a process of its own, so that nothing is
warm or in memory that another one left there.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

DATA = Path(__file__).parents[3] / "shared" / "data"
"""Real problems and generations; a benchmark that needs them is left out where they are not."""


@dataclass(frozen=True)
class Row:
    """One line of the table; numbers with their unit, as they are to be read."""

    work: str
    ours: str
    peer: str
    """What it is compared with, and its figure; empty where there is nothing to compare with."""
    ratio: float | None
    """How many times better than the peer; None without one."""
    target: str
    limit: str = ""
    """What the machine allows, and the share of it that is reached, where that is known."""


def seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """Median wall time of some work, in seconds, after one call that warms up."""
    work()
    return statistics.median(once(work) for _ in range(repeats))


def once(work: Callable[[], object]) -> float:
    """Wall time of one call, in seconds."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turn(
    ours: Callable[[], object], peer: Callable[[], object], repeats: int = 3
) -> tuple[float, float]:
    """Median wall times of two pieces of work in seconds, run in turn after a warm-up of ours.

    In turn, because the speed of a machine drifts: both then see the same of it.
    """
    ours()
    pairs = [(once(ours), once(peer)) for _ in range(repeats)]
    first, second = zip(*pairs, strict=True)
    return statistics.median(first), statistics.median(second)
