"""Tables as text: Markdown for files, a terminal table for people."""

from __future__ import annotations

import pandas as pd
from rich.console import JustifyMethod
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


LONGEST_WORD = 30
"""Characters of a text that its column has room for at least; longer ones go on in a next line."""


def to_grids(
    name: str, frame: pd.DataFrame, caption: str, width: int, *, intervals: bool = True
) -> list[Grid]:
    """Return a table for the terminal, each interval on a line of its own under its number.

    A table that is wider than the terminal, of ``width`` characters, is several, each with the
    columns that say what a row is, so that no number is broken.

    Without intervals the caption says where they are. Names and cells are shown as they are: what
    looks like rich's markup, as ``[b]`` in a completion, is text like any other.
    """
    gap = "\n" if intervals else None
    if not intervals and any(str(column).endswith("_low") for column in frame.columns):
        caption = f"intervals: in the files {name}.md and {name}.csv\n{caption}"
    text = format_table(frame, gap)
    numeric = {name: pd.api.types.is_numeric_dtype(frame[name].dtype) for name in text.columns}
    parts = _parts(text, numeric, [f"{name}_low" in frame for name in text.columns], width)
    return [
        _grid(name if part == parts[0] else f"{name}, further columns", text[part], numeric,
              caption if part == parts[-1] else "")
        for part in parts
    ]  # fmt: skip


def _parts(
    text: pd.DataFrame, numeric: dict[str, bool], has_interval: list[bool], width: int
) -> list[list[str]]:
    """Return the columns of each grid: the leading ones without interval, and what fits beside."""
    columns = [*text.columns]
    widths = {}
    for name in columns:
        lines = [line for cell in (name, *text[name]) for line in str(cell).splitlines()]
        widest = max(map(len, lines), default=0)
        widths[name] = 3 + (widest if numeric[name] else min(widest, LONGEST_WORD))
    keys = columns[: has_interval.index(True)] if True in has_interval else columns[:1]
    while len(keys) > 1 and sum(widths[name] for name in keys) > width / 2:
        keys = keys[:-1]
    parts, free = [[*keys]], width - 1 - sum(widths[name] for name in keys)
    left = free
    for name in columns[len(keys) :]:
        if widths[name] > left and len(parts[-1]) > len(keys):
            parts.append([*keys])
            left = free
        parts[-1].append(name)
        left -= widths[name]
    return parts


def _grid(name: str, text: pd.DataFrame, numeric: dict[str, bool], caption: str) -> Grid:
    title = Text(name, style="table.title")
    below = Text(caption) if caption else None
    grid = Grid(title=title, caption=below, title_justify="left", caption_justify="left")
    for column in text.columns:
        side: JustifyMethod = "right" if numeric[column] else "left"
        grid.add_column(Text(str(column)), justify=side, overflow="fold")
    for row in text.itertuples(index=False):
        grid.add_row(*(Text(str(cell)) for cell in row))
    return grid
