"""Tables of numbers as a notebook shows them: HTML that takes its colours from the theme.

``notebook_parts.html.j2`` holds the markup that everything shown in a notebook is made of.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from tabulate import tabulate

from workbench.core.lookup import lookup
from workbench.core.table_text import format_table

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent


class NotebookTable(pd.DataFrame):
    """A table of numbers that a notebook shows as the command line prints it.

    An interval stands in the cell of its number, and the table's notes stand beneath. Rows or
    columns chosen from it are shown in the same way; anything else made of it is shown by pandas.
    """

    @property
    def _constructor(self) -> type[NotebookTable]:
        return NotebookTable

    def only(self, *names: str) -> NotebookTable:
        """Return these columns, each with what belongs to it: its interval, error, p, q.

        Raises:
            ValueError: there is no such column.
        """
        columns = {str(name): str(name) for name in self.columns}
        wanted = [lookup(columns, name, "column") for name in names]
        parts = [f"{n}{end}" for n in wanted for end in ("", "_low", "_high", "_error", "_p", "_q")]
        kept: NotebookTable = self[[name for name in parts if name in columns]]
        return kept

    def __repr__(self) -> str:
        """Return text with intervals and notes; pandas' own where that is too wide to be read."""
        if self._is_table and not self.empty:
            shown = table_cells(self, self.attrs.get("notes", ()))
            text = tabulate(shown.rows, shown.names, "simple", disable_numparse=True)
            if text.index("\n") <= shutil.get_terminal_size((100, 24)).columns:
                return "\n".join([text, *filter(None, [shown.omitted]), *shown.notes])
        return super().__repr__()

    @property
    def _is_table(self) -> bool:
        """Whether columns and rows have names as a table's have."""
        numbered = self.index.nlevels == 1 and pd.api.types.is_integer_dtype(self.index)
        named = self.columns.is_unique and all(isinstance(name, str) for name in self.columns)
        return bool(named and numbered and self.index.name is None)

    def _repr_html_(self) -> str | None:
        """Return HTML; pandas' own where columns or rows have other names than a table's."""
        if not self._is_table:
            plain: str | None = getattr(super(), "_repr_html_")()  # noqa: B009  untyped in pandas
            return plain
        return render(HERE / "table.html.j2", shown=table_cells(self, self.attrs.get("notes", ())))


def with_notes(frame: pd.DataFrame, notes: Iterable[str]) -> NotebookTable:
    """Return a table of numbers that a notebook shows with these notes beneath it."""
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
    """Return a table of numbers as text, with notes beneath it; of a long table both ends."""
    if frame.empty:
        return TableCells(notes=list(notes))
    most, omitted = pd.get_option("display.max_rows") or len(frame), ""
    if len(frame) > most:
        omitted = f"{len(frame):,} rows, of which {most // 2 * 2} are shown"
        frame = pd.concat([frame.head(most // 2), frame.tail(most // 2)])
    text = format_table(frame, gap="\n")
    names, rows = list(text.columns), text.to_numpy(dtype=object).tolist()
    is_number = pd.api.types.is_numeric_dtype
    numbers = [i for i, name in enumerate(names) if is_number(frame[name].dtype)]
    if omitted:
        rows.insert(most // 2, ["…"] * len(names))
    return TableCells(names=names, rows=rows, numbers=numbers, omitted=omitted, notes=list(notes))


def render(template: Path, **values: Any) -> str:
    """Return a template as HTML, its values escaped; it may use ``notebook_parts.html.j2``."""
    return _environment(template.parent).get_template(template.name).render(values)


@cache
def _environment(folder: Path) -> Environment:
    from jinja2 import FileSystemLoader, StrictUndefined  # only where something is shown
    from jinja2.sandbox import SandboxedEnvironment

    layout = {"trim_blocks": True, "lstrip_blocks": True, "undefined": StrictUndefined}
    loader = FileSystemLoader([folder, HERE])
    return SandboxedEnvironment(loader=loader, autoescape=True, **layout)
