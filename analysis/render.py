"""Tables as text: Markdown for files, a terminal table for people."""

from __future__ import annotations

from typing import Any

import pandas as pd
from rich.table import Table as Grid
from rich.text import Text

from analysis.data import Table
from analysis.paired import ALPHA
from workbench.run import Run
from workbench.signature import spell_temperature

COUNTS = ("count", "samples", "pools", "k", "needed", "above_from", "below_from")


LONG = ("bucket", "correlation", "within_correlation", "pruning", "sampling_check")
"""Tables of many rows: on the terminal their intervals are left to the files."""


def merged(frame: pd.DataFrame, gap: str | None = " ") -> pd.DataFrame:
    """Return a frame of text, each interval in the cell of its number: ``0.512 [0.431, 0.590]*``.

    A star stands where the table's corrected test of the number has q < 0.05.

    Args:
        frame: numbers, with their bounds in columns ``…_low`` and ``…_high``.
        gap: what stands between a number and its interval; None leaves the intervals out.
    """
    shown: dict[str, list[str]] = {}
    for name in map(str, frame.columns):
        base, _, part = name.rpartition("_")
        if part in ("low", "high", "p", "q") and base in frame.columns:
            continue
        cells = [_cell(name, value) for value in frame[name]]
        if name == "temperature" and "pool" in frame.columns:
            places = zip(cells, frame["pool"], strict=True)
            cells = ["all" if pool == "mixed" else cell for cell, pool in places]
        if gap is not None and f"{name}_low" in frame.columns:
            bounds = zip(frame[f"{name}_low"], frame[f"{name}_high"], strict=True)
            cells = [
                cell if pd.isna(low) else f"{cell}{gap}[{_number(low)}, {_number(high)}]"
                for cell, (low, high) in zip(cells, bounds, strict=True)
            ]
        if f"{name}_q" in frame.columns:
            stars = ["*" if q < ALPHA else "" for q in frame[f"{name}_q"]]
            cells = [cell + star for cell, star in zip(cells, stars, strict=True)]
        shown[name] = cells
    return pd.DataFrame(shown)


def to_markdown(name: str, table: Table, signature: str) -> str:
    """Return a table as a Markdown section with its notes and the run's signature."""
    body = (
        "(empty)"
        if table.frame.empty
        else merged(table.frame).to_markdown(index=False, disable_numparse=True)
    )
    notes = "\n".join(f"- {note}" for note in table.notes)
    return f"## {name}\n\n{body}\n\n{notes}\n\n`{signature}`\n"


def saved_notes(run: Run, name: str) -> list[str]:
    """Return what stands under a saved table of a run."""
    path = run.root / "tables" / f"{name}.md"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [line.removeprefix("- ") for line in lines if line.startswith("- ")]


def to_grid(name: str, frame: pd.DataFrame, caption: str) -> Grid:
    """Return a table for the terminal, each interval on a line of its own under its number."""
    gap = None if name in LONG else "\n"
    if gap is None and any(str(column).endswith("_low") for column in frame.columns):
        caption = f"intervals: in the files {name}.md and {name}.csv\n{caption}"
    grid = Grid(title=name, caption=Text(caption), title_justify="left", caption_justify="left")
    text = merged(frame, gap)
    for column in text.columns:
        numeric = pd.api.types.is_numeric_dtype(frame[column].dtype)
        grid.add_column(str(column), justify="right" if numeric else "left", overflow="fold")
    for row in text.itertuples(index=False):
        grid.add_row(*row)
    return grid


def _cell(name: str, value: Any) -> str:
    if name in COUNTS and not pd.isna(value):
        return f"{int(value)}"
    if name.rsplit("_", 1)[-1] in ("p", "q") and value < 0.001:
        return "<0.001"  # never 0
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, float):
        return spell_temperature(value) if name == "temperature" else _number(value)
    return str(value)


def _number(value: float) -> str:
    """Three decimals, more significant digits for large values; an undefined one is a dash."""
    if pd.isna(value):
        return "-"
    return f"{value:.3f}" if abs(value) < 1000 else f"{value:.1f}"
