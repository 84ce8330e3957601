"""Tables on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from rich.console import Console

from workbench.analysis.doubts import doubts_of
from workbench.analysis.markdown import to_grids
from workbench.analysis.tables import TABLES, printed_tables
from workbench.core.console import stdout
from workbench.saved_run import Run


def print_tables(root: Path, names: Sequence[str] = ()) -> None:
    """Print saved tables of a run, each with its notes and the run's signature.

    By default all that hold something, those of plug-ins among them. What is to be doubted of the
    run's answers stands above the last one.

    Raises:
        ValueError: the folder is not a run, or has no such table.
    """
    run = Run(root)
    out = stdout()
    asked = len(names) == 1
    others = [name for name in run.added_by_plugins("table") if name not in TABLES]
    names = names or (*others, *printed_tables())
    for name in names:
        if name == names[-1]:
            print_doubts(run)
        if not asked and run.tables and name not in run.tables:
            continue  # analysed before there was such a table
        frame = run.table(name)
        spec = TABLES.get(name)  # none of a table that an older version made
        if asked or spec is None or spec.printed == "always" or not frame.empty:
            caption = "\n".join([*run.notes(name), run.signature])
            print_table(out, name, frame, caption, long=spec is not None and spec.long)


def print_doubts(run: Run) -> None:
    """Print what is to be doubted of a run's answers, if anything is, and how to look further."""
    if found := doubts_of(run):
        out = stdout()
        for doubt in found:
            out.print(str(doubt), markup=False, soft_wrap=True)
        out.print(f"  to see why: workbench check {run.root}\n", markup=False, soft_wrap=True)


def print_table(
    out: Console, name: str, frame: pd.DataFrame, caption: str, *, long: bool = False
) -> None:
    """Print one table, a long one without its intervals; of an empty one the notes say why."""
    if frame.empty:
        out.print(f"{name}\n(empty)\n{caption}", markup=False)
    else:
        for grid in to_grids(name, frame, caption, out.width, intervals=not long):
            out.print(grid)
    out.print()
