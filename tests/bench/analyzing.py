"""The analysis of a few problems with many samples each, as one who tries the workbench makes it.

The figure that it is compared with is that of the report that it was slow (3 min 38 s of CPU).
Of a first analysis a third of the time compiles loops, above all those that draw from a k-DPP and
count votes; the machine code is kept, so that later ones draw figures for half of their time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

from tests.bench import Row
from tests.bench.growth import used_by

PROBLEMS, N = 8, 100
SIZES = (1, 2, 4, 8, 16, 32, 64)
BEFORE = 218.0
"""Seconds of CPU that were reported."""
SETTINGS = (
    "tracking.mode=disabled",
    "measure.metrics=[avg_log_prob,num_tokens,cos_sim,distinct_3,distinct_texts,dpp,qual_dpp]",
    "selection.aggregators=[maj,best,weighted,sem_mbr,lex_mbr]",
)
"""The metrics and selections that an experiment has by default."""


def rows(full: bool) -> Iterator[Row]:
    """Analyse a run for the first time, with nothing compiled, and once more."""
    with tempfile.TemporaryDirectory() as home:
        run, again = Path(home) / "run", Path(home) / "again"
        make = f"make_run({str(run)!r}, {PROBLEMS}, {N}, k={SIZES})"
        text = f"from tests.bench.synthetic import make_run; {make}"
        subprocess.run([sys.executable, "-c", text], check=True)
        used_by(_command("measure", run))
        shutil.copytree(run, again)
        with patch.dict(os.environ, NUMBA_CACHE_DIR=str(Path(home) / "compiled")):
            first = used_by(_command("analyze", run))
            later = used_by(_command("analyze", again))
    yield Row(
        f"analyze {PROBLEMS} problems x {N} samples, k to {SIZES[-1]}, default metrics, selections",
        f"{later.cpu:.0f} s of CPU; {first.cpu:.0f} s the first time, which compiles",
        f"{BEFORE:.0f} s (as reported of an earlier version)", BEFORE / first.cpu,
        "under 60 s", f"wall {later.wall:.0f} s and {first.wall:.0f} s",
    )  # fmt: skip


def _command(stage: str, run: Path) -> list[str]:
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    return [sys.executable, "-m", "workbench.cli.app", stage, str(run), *settings]
