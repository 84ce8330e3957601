"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.console import Console

from analysis.markdown import to_grid
from workbench.run import Run

PRINTED = (
    "entropy_bounds", "quality_coefficients", "bucket", "correlation",
    "correct_count_correlation", "sampling_check", "statuses", "pruning",
    "diversity_by_correctness", "submitted", "reward_report", "reward_curve", "oracle_gap",
    "budget", "partial_correlation", "within_correlation", "accuracy_by_temperature",
    "accuracy_by_k", "coverage_curve", "accuracy_by_k_temperature",
)  # fmt: skip
"""The order in which tables are printed: what is read first comes last, above the prompt."""
ASKED_FOR = ("entropy_bounds", "quality_coefficients")
"""Tables of what few runs have: printed empty only where they are asked for by name."""


def print_tables(root: Path, names: Sequence[str] = PRINTED) -> None:
    """Print saved tables of a run, each with its notes and the run's signature.

    Raises:
        ValueError: the folder is not a run, or has no such table.
    """
    run = Run(root)
    out = stdout()
    asked = len(names) == 1
    for name in names:
        if not asked and run.tables and name not in run.tables:
            continue  # analysed before there was such a table
        frame = run.table(name)
        if asked or name not in ASKED_FOR or not frame.empty:
            print_table(out, name, frame, "\n".join([*run.notes(name), run.signature]))


def print_table(out: Console, name: str, frame: pd.DataFrame, caption: str) -> None:
    """Print one table; of an empty one the notes say why it is."""
    if frame.empty:
        out.print(f"{name}\n(empty)\n{caption}", markup=False)
    else:
        out.print(to_grid(name, frame, caption))
    out.print()


def stdout() -> Console:
    """Return the terminal; a file or a pipe has no width of its own and gets 160 columns."""
    out = Console(highlight=False)
    if not out.is_terminal:
        out.width = 160
    return out
