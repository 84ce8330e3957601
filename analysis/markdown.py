"""Tables as text: Markdown for files, a terminal table for people."""

from __future__ import annotations

import pandas as pd
from rich.table import Table as Grid
from rich.text import Text

from workbench.analysis.frames import Table
from workbench.core.table_text import format_table


def to_markdown(name: str, table: Table, signature: str) -> str:
    """Return a table as a Markdown section with its notes and the run's signature."""
    body = (
        "(empty)"
        if table.frame.empty
        else format_table(table.frame).to_markdown(index=False, disable_numparse=True)
    )
    notes = "\n".join(f"- {note}" for note in table.notes)
    return f"## {name}\n\n{body}\n\n{notes}\n\n`{signature}`\n"


def to_grid(name: str, frame: pd.DataFrame, caption: str, *, intervals: bool = True) -> Grid:
    """Return a table for the terminal, each interval on a line of its own under its number.

    Without intervals the caption says where they are. Names and cells are shown as they are: what
    looks like rich's markup, as ``[b]`` in a completion, is text like any other.
    """
    gap = "\n" if intervals else None
    if not intervals and any(str(column).endswith("_low") for column in frame.columns):
        caption = f"intervals: in the files {name}.md and {name}.csv\n{caption}"
    title = Text(name, style="table.title")
    grid = Grid(title=title, caption=Text(caption), title_justify="left", caption_justify="left")
    text = format_table(frame, gap)
    for column in text.columns:
        numeric = pd.api.types.is_numeric_dtype(frame[column].dtype)
        grid.add_column(Text(str(column)), justify="right" if numeric else "left", overflow="fold")
    for row in text.itertuples(index=False):
        grid.add_row(*(Text(str(cell)) for cell in row))
    return grid
