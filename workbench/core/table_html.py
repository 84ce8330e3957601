"""Tables of numbers as a notebook shows them: HTML that takes its colours from the theme.

``notebook_parts.html.j2`` holds the markup that everything shown in a notebook is made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.core.lookup import lookup
from workbench.core.table_text import format_table

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent


class NotebookTable(pd.DataFrame):
    """A table of numbers that a notebook shows as the command line prints it.

    An interval stands in its number's cell, the table's notes stand beneath. What is chosen from it
    by rows or columns shows itself likewise; anything else made of it as pandas does.
    """

    @property
    def _constructor(self) -> type[NotebookTable]:
        return NotebookTable

    def only(self, *names: str) -> NotebookTable:
        """Return these columns, each with what belongs to it: its interval, its p and q.

        Raises:
            ValueError: there is no such column.
        """
        columns = {str(name): str(name) for name in self.columns}
        wanted = [lookup(columns, name, "column") for name in names]
        ends = ("", "_low", "_high", "_p", "_q")
        kept: NotebookTable = self[
            [f"{n}{end}" for n in wanted for end in ends if f"{n}{end}" in columns]
        ]
        return kept

    def _repr_html_(self) -> str | None:
        """Return HTML; pandas' own where columns or rows have other names than a table's."""
        numbered = self.index.nlevels == 1 and pd.api.types.is_integer_dtype(self.index)
        named = self.columns.is_unique and all(isinstance(name, str) for name in self.columns)
        if not (named and numbered and self.index.name is None):
            plain: str | None = getattr(super(), "_repr_html_")()  # noqa: B009  untyped in pandas
            return plain
        cells = table_cells(self, self.attrs.get("notes", ()))
        return render(HERE / "table.html.j2", shown=cells)


def with_notes(frame: pd.DataFrame, notes: Iterable[str]) -> NotebookTable:
    """Return a table of numbers that shows itself with what stands beneath it."""
    shown = NotebookTable(frame)
    shown.attrs["notes"] = list(notes)
    return shown


@dataclass(frozen=True, kw_only=True)
class TableCells:
    """A table of numbers as text, for the macro ``table`` of ``notebook_parts.html.j2``."""

    names: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()
    """An interval follows its number after a line break."""
    numbers: Sequence[int] = ()
    """Which columns are numbers."""
    omitted: str = ""
    """Says that rows are left out of a long table."""
    notes: Sequence[str] = ()


def table_cells(frame: pd.DataFrame, notes: Iterable[str] = ()) -> TableCells:
    """Return a table of numbers as text; of a long one both ends.

    Args:
        frame: numbers, with their bounds in columns ``…_low`` and ``…_high``.
        notes: what stands beneath, a line each.
    """
    if frame.empty:
        return TableCells(notes=list(notes))
    most = pd.get_option("display.max_rows") or len(frame)
    half = most // 2 if len(frame) > most else len(frame)
    parts = [frame.iloc[:half], frame.iloc[half:].tail(half)]
    texts = [
        format_table(part, gap="\n").to_numpy(dtype=object).tolist() for part in parts if len(part)
    ]
    names = [str(name) for name in format_table(frame.head(1)).columns]
    numbers = [
        i for i, name in enumerate(names) if pd.api.types.is_numeric_dtype(frame[name].dtype)
    ]
    rows, omitted = texts[0], ""
    if len(frame) > most:
        rows = [*texts[0], ["…"] * len(names), *texts[1]]
        omitted = f"{len(frame):,} rows, of which {2 * half} are shown"
    return TableCells(names=names, rows=rows, numbers=numbers, omitted=omitted, notes=list(notes))


def render(template: Path, **values: Any) -> str:
    """Return a template as HTML; all text that it is given is escaped.

    Args:
        template: the file, which may import ``notebook_parts.html.j2``.
        values: what the template shows, by name.
    """
    return _environment(template.parent).get_template(template.name).render(values)


@cache
def _environment(folder: Path) -> Environment:
    from jinja2 import FileSystemLoader, StrictUndefined  # only where something is shown
    from jinja2.sandbox import SandboxedEnvironment

    return SandboxedEnvironment(
        loader=FileSystemLoader([folder, HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
