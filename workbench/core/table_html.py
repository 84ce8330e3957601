"""Tables as HTML that takes its colours from the notebook's theme."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from workbench.core.lookup import lookup
from workbench.core.table_text import format_table

if TYPE_CHECKING:
    pass


STYLE = """<style>
.workbench { line-height: 1.45; overflow-x: auto; }
.workbench table.rows { border-collapse: collapse; margin: 0.5em 0; }
.workbench table.rows th, .workbench table.rows td {
  border: 0; border-bottom: 1px solid rgba(128, 128, 128, 0.35); padding: 0.15em 0.5em;
  vertical-align: top;
}
.workbench table.rows .number { font-variant-numeric: tabular-nums; }
.workbench small { opacity: 0.75; }
.workbench .wide .number small { display: block; }
.workbench ul { margin: 0.3em 0; padding-left: 1.3em; font-size: 0.9em; opacity: 0.85; }
.workbench p { margin: 0.3em 0; }
.workbench code { overflow-wrap: anywhere; background: none; }
</style>"""


# Said in each cell: a notebook that somebody else ran, or a page that renders one, drops <style>.
TEXT = ' style="text-align: left"'


NUMBER = ' class="number" style="text-align: right"'


NO_BREAK = "\u00a0"


NARROW = 6
"""Columns up to which an interval stands beside its number; with more of them, beneath."""


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
        return table_html(self, self.attrs.get("notes", ()))


def with_notes(frame: pd.DataFrame, notes: Iterable[str]) -> NotebookTable:
    """Return a table of numbers that shows itself with what stands beneath it."""
    shown = NotebookTable(frame)
    shown.attrs["notes"] = list(notes)
    return shown


def table_html(frame: pd.DataFrame, notes: Iterable[str] = ()) -> str:
    """Return a table of numbers as HTML, with its notes; of a long one both ends.

    Args:
        frame: numbers, with their bounds in columns ``…_low`` and ``…_high``.
        notes: what stands beneath, a line each.
    """
    said = notes_html(notes)
    if frame.empty:
        return in_frame(f"<p>(empty)</p>{said}")
    most = pd.get_option("display.max_rows") or len(frame)
    half = most // 2 if len(frame) > most else len(frame)
    parts = [frame.iloc[:half], frame.iloc[half:].tail(half)]
    texts = [
        format_table(part, gap="\n").to_numpy(dtype=object).tolist() for part in parts if len(part)
    ]
    names = [str(name) for name in format_table(frame.head(1)).columns]
    right = {i for i, name in enumerate(names) if pd.api.types.is_numeric_dtype(frame[name].dtype)}
    rows = texts[0]
    if len(frame) > most:
        rows = [*texts[0], ["…"] * len(names), *texts[1]]
        said = f"<p>{len(frame):,} rows, of which {2 * half} are shown</p>{said}"
    return in_frame(grid_html(names, rows, right) + said)


def grid_html(names: Sequence[str], rows: Sequence[Sequence[str]], right: Collection[int]) -> str:
    """Return a table; what follows a line break in a cell is set small. Escapes all it is given."""

    def line(tag: str, cells: Sequence[str]) -> Iterator[str]:
        for place, cell in enumerate(cells):
            head, gap, rest = cell.partition("\n")
            kind = NUMBER if place in right else TEXT
            small = f" <small>{escape(rest.replace(' ', NO_BREAK))}</small>" if gap else ""
            yield f"<{tag}{kind}>{escape(head)}{small}</{tag}>"

    head = f"<thead><tr>{''.join(line('th', names))}</tr></thead>"
    body = "".join(f"<tr>{''.join(line('td', row))}</tr>" for row in rows)
    wide = " wide" if len(names) > NARROW else ""
    return f'<table class="rows{wide}">{head}<tbody>{body}</tbody></table>'


def notes_html(notes: Iterable[str]) -> str:
    """Return notes as a list; nothing where there are none."""
    items = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return f"<ul>{items}</ul>" if items else ""


OPEN, CLOSE = f'{STYLE}<div class="workbench">', "</div>"


def in_frame(body: str) -> str:
    """Return HTML in the element that the style is for."""
    return f"{OPEN}{body}{CLOSE}"
