"""How the time and the memory of `workbench measure` grow with the pools and with their size."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.bench import Row

POOLS = (100, 300, 1000)
SIZES = {16: 400, 64: 100, 256: 16, 1024: 4}
"""How many pools are measured of each size, so that each takes a few seconds."""
LIMIT = 1.5 * 1024
"""What a measuring process may hold, MiB."""


@dataclass(frozen=True)
class Used:
    """What a process took, from its start to its end."""

    wall: float
    cpu: float
    """Seconds, in user and system mode."""
    peak: float
    """Most memory held at any time, MiB."""


def rows(full: bool) -> Iterator[Row]:
    """Measure runs of several sizes, each in a process of its own; there is no peer."""
    measured(1, 16)  # compiles what is not compiled yet
    start = measured(1, 16)
    counts = (*POOLS, 10_000) if full else POOLS
    found = [measured(count, 64) for count in counts]
    times = [used.cpu - start.cpu for used in found]
    yield Row(
        f"measure {_listed(counts)} pools, N = 64, k = 8",
        f"{_listed(times, '.1f')} s, exponent {exponent(counts, times):.2f}",
        "", None, "linear in pools: exponent 1",
        f"CPU; {start.cpu:.1f} s of start-up left out; "
        f"wall {_listed([used.wall for used in found], '.1f')} s",
    )  # fmt: skip
    peaks = [used.peak for used in found]
    yield Row(
        "peak memory of these", f"{_listed(peaks, '.0f')} MiB", "", None,
        f"flat, at most {LIMIT / 1024:g} GiB",
    )  # fmt: skip
    found = [measured(count, size) for size, count in SIZES.items()]
    each = [
        (used.cpu - start.cpu) / count for used, count in zip(found, SIZES.values(), strict=True)
    ]
    yield Row(
        f"measure a pool of N = {_listed(list(SIZES))}, k = 8",
        f"{_listed([1e3 * seconds for seconds in each], '.0f')} ms, "
        f"exponent {exponent(list(SIZES), each):.2f}, "
        f"{exponent(list(SIZES)[-2:], each[-2:]):.2f} at the end",
        "", None, "the exponent reported",
        f"CPU; peak memory {_listed([used.peak for used in found], '.0f')} MiB",
    )  # fmt: skip


def measured(pools: int, n: int) -> Used:
    """Make a run of so many pools of N, and measure it by the command line."""
    with tempfile.TemporaryDirectory() as home:
        run = Path(home) / "run"
        # in another process: the peak of one counts what the one that started it held then
        make = f"from tests.bench.synthetic import make_run; make_run({str(run)!r}, {pools}, {n})"
        subprocess.run([sys.executable, "-c", make], check=True)
        return used_by([sys.executable, "-m", "workbench.cli.app", "measure", str(run)])


def used_by(command: Sequence[str]) -> Used:
    """Run a command, which has to succeed, and say what it took."""
    before = os.times()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    said = process.stderr.read().decode()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {said}")
    wall = os.times().elapsed - before.elapsed
    return Used(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def exponent(sizes: Sequence[float], times: Sequence[float]) -> float:
    """Slope of the logarithm of the time on that of the size: 1 is linear, 2 quadratic."""
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def _listed(values: Sequence[float], form: str = ",") -> str:
    return " / ".join(f"{value:{form}}" for value in values)
