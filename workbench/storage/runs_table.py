"""The runs of a folder as a table, a row for each."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from workbench.core.table_html import NotebookTable, with_notes
from workbench.core.table_text import spell_temperature
from workbench.storage.listed_runs import ListedRun, listed_runs

NOTE = "accuracy: of a single sample, at each of the temperatures; '-' where it is not known"
COLUMNS = ("run", "task", "model", "problems", "temperatures", "n", "done", "accuracy")


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
    left_off = f"{run.stage or 'nothing'}; {run.unfinished} is not"
    shares = (run.accuracy.get(temperature) for temperature in run.temperatures)
    return (
        str(run.root),
        run.task,
        run.model,
        run.problems,
        ", ".join(map(spell_temperature, run.temperatures)),
        run.n,
        "damaged" if run.fault else left_off if run.unfinished else run.stage,
        ", ".join("-" if share is None else f"{share:.2f}" for share in shares),
    )
