"""The runs of a folder as a table, a row for each."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from workbench.core.table_html import NotebookTable, with_notes
from workbench.storage.listed_runs import ListedRun, listed_runs

NOTE = "accuracy: of a single sample, at each of the temperatures; '-' where it is not known"
COLUMNS = ("run", "task", "model", "problems", "temperatures", "n", "finished", "accuracy")


def runs_table(folder: Path) -> NotebookTable:
    """Return a row for each run in a folder, those that changed last first.

    Raises:
        ValueError: there is no such folder.
    """
    found = listed_runs(folder)
    notes = [NOTE, *(f"damaged: {run.root}: {run.fault}" for run in found if run.fault)]
    rows = [_row(run) for run in found]
    return with_notes(pd.DataFrame(rows, columns=list(COLUMNS)), notes)


def _row(run: ListedRun) -> tuple[object, ...]:
    return (
        str(run.root),
        run.task,
        run.model,
        run.problems,
        ", ".join(run.varied),
        run.n,
        run.finished,
        ", ".join(run.shares),
    )
