"""Tables of a run as a page shows them: cells of text, what each means, and why one is empty."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from workbench.analysis.frames import Table
from workbench.analysis.page.packing import pack
from workbench.analysis.tables import TABLES
from workbench.core.conditions import NUMERIC_FACTORS
from workbench.core.table_text import format_table
from workbench.saved_run import Run

RISING = {"k", "m", "n", "bin", "min", "z", "p", "q", "brier", "ece", *NUMERIC_FACTORS}
"""Columns of numbers whose smallest is what a reader wants first: settings, p and errors."""
ROWS = 25
"""Rows on one page of a long table; the others are packed."""


@dataclass(frozen=True, kw_only=True)
class PageTable:
    """One table of a page."""

    name: str
    summary: str
    """What it means, in one sentence."""
    notes: Sequence[str] = ()
    columns: Sequence[tuple[str, str]] = ()
    """(name, kind) of each: ``number``, ``number starred`` where any cell has a star, or ``""``."""
    rows: Sequence[Sequence[str]] = ()
    """The first ``ROWS``."""
    count: int = 0
    """How many rows there are in all."""
    packed: str = ""
    """The other rows."""
    folded: bool = False

    @property
    def identity(self) -> str:
        """The name by which links and the packed rows refer to it."""
        return f"table-{self.name}"


def page_table(name: str, summary: str, table: Table, *, folded: bool = False) -> PageTable:
    """Return a table as text, each interval in the cell of its number; an empty one has no rows."""
    frame = table.frame
    empty = PageTable(name=name, summary=summary, notes=table.notes)
    if frame.empty:
        return empty
    text = format_table(frame)
    columns = [(name, _kind(name, frame[name], text[name])) for name in text.columns]
    rows = text.to_numpy(dtype=object).tolist()
    packed = pack(rows[ROWS:]) if rows[ROWS:] else ""
    return replace(
        empty, columns=columns, rows=rows[:ROWS], count=len(rows), packed=packed, folded=folded
    )


def saved_tables(run: Run) -> list[PageTable]:
    """Return every table of the study, in order; of one that is not there or damaged, why.

    Those of what the run has not are left out: see ``is_of_nothing``.
    """
    known = [
        _saved_table(run, name, spec.summary, folded=not spec.open_on_page)
        for name, spec in TABLES.items()
        if not is_of_nothing(run, name)
    ]
    others = [name for name in run.added_by_plugins("table") if name not in TABLES]
    about = "A table of a plug-in that is not loaded here."
    return known + [_saved_table(run, name, about, folded=True) for name in others]


def is_of_nothing(run: Run, name: str) -> bool:
    """Whether a table or its figure is of what few runs have, such as calibrated rewards.

    A page says nothing of it then, as the terminal does.
    """
    spec = TABLES.get(name)
    if spec is None or spec.printed == "always" or name not in run.tables:
        return False
    try:
        return run.table(name).empty
    except (ValueError, OSError):
        return False  # damaged, which is said in its place


def why_missing(run: Run) -> str:
    """Say what has to be done before a table that the run lacks is there."""
    if not run.blocks:
        return f"nothing is sampled yet; run `workbench run {run.root}`"
    for stage, made in (("score", "scores"), ("measure", "subsets")):
        if not list((run.root / made).glob("block-*.parquet")):
            return f"the run is not {stage}d yet; run `workbench {stage} {run.root}`, then analyze"
    if not run.tables:
        return f"the run is not analysed yet; run `workbench analyze {run.root}`"
    return (
        f"not among the tables of the run, which an older version analysed; run `workbench analyze "
        f"{run.root}`"
    )


def _saved_table(run: Run, name: str, summary: str, *, folded: bool) -> PageTable:
    if name not in run.tables:
        return PageTable(name=name, summary=summary, notes=(why_missing(run),))
    try:
        table = Table(run.table(name), tuple(run.notes(name)))
        return page_table(name, summary, table, folded=folded)
    except (ValueError, OSError) as fault:
        why = f"tables/{name}.csv cannot be read ({fault}); run `workbench analyze {run.root}`"
        return PageTable(name=name, summary=summary, notes=(why,))


def _kind(name: str, values: pd.Series[float], cells: pd.Series[str]) -> str:
    numeric = pd.api.types.is_numeric_dtype(values.dtype) and values.dtype != bool
    if not numeric and name != "temperature":
        return ""
    return "number starred" if cells.str.endswith("*").any() else "number"


def first_order(name: str, kind: str) -> str:
    """Return how the first click on a column sorts it: what a reader wants first is on top.

    Example:
        >>> first_order("accuracy", "number"), first_order("pearson p", "number")
        ('descending', 'ascending')
        >>> first_order("k", "number"), first_order("metric", "")
        ('ascending', 'ascending')
    """
    last = name.replace("_", " ").rpartition(" ")[2]
    rising = "number" not in kind or name in RISING or last in ("p", "q")
    return "ascending" if rising else "descending"


def split_by_content(tables: Iterable[PageTable]) -> tuple[list[PageTable], list[PageTable]]:
    """Return the tables with rows and those without, whose notes say why."""
    tables = list(tables)
    return [t for t in tables if t.count], [t for t in tables if not t.count]
