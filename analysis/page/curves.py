"""Figures of several runs: their curves over each other, and the differences between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.condition_columns import with_conditions
from workbench.analysis.figures.drawing import (
    Axis,
    Drawing,
    Panel,
    join_lines,
    points,
    sample_count_axis,
)
from workbench.analysis.page.related_colours import related_colours
from workbench.core.conditions import MIXED, spell_condition
from workbench.saved_run import Run

MOST_PAIRS = 12
"""Pairs whose differences a figure shows: more would hide one another."""


def overlaid(
    runs: Sequence[Run], names: Sequence[str], table: str, outcomes: Sequence[str]
) -> Drawing:
    """Draw accuracies against k over each other: a line per run and condition.

    Args:
        runs: any runs; one without the table has no line.
        names: what they are called.
        table: a saved table with the conditions, ``k`` and the outcomes.
        outcomes: columns to draw, a panel each, where any run has them.
    """
    found = [*_lines(runs, names, table)]
    lines = [(line, part) for _, line, part in found]
    panels = []
    for name in outcomes:
        rows = join_lines(points(part, "k", name, line) for line, part in lines if name in part)
        rows = rows[rows.groupby("series")["x"].transform("size") > 1]  # greedy has no curve
        if len(rows):
            along = sample_count_axis("k, samples in the subset", rows["x"])
            title = name.removesuffix("_correct")
            panels.append(Panel(title=title, rows=rows, x=along, y=Axis(title="accuracy")))
    notes = () if panels else (f"no run has a curve over k in its table {table}",)
    drawn = {line for panel in panels for line in panel.rows["series"]}
    of_run = {
        name: [own for run, own, _ in found if run == name and own in drawn] for name in names
    }
    return Drawing(panels=panels, notes=notes, colours=related_colours(of_run))


def _lines(
    runs: Sequence[Run], names: Sequence[str], table: str
) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Yield the run, the name of the line and its rows."""
    for run, name in zip(runs, names, strict=True):
        if table not in run.tables or (frame := run.table(table)).empty:
            continue
        if "pool" in frame:
            frame = frame[frame["pool"] != MIXED]
        for name_of, part in with_conditions(frame).groupby("condition", observed=True):
            at = spell_condition(str(name_of))
            yield name, (f"{name}, {at}" if len(runs) > 1 else at), part


def gaps(frame: pd.DataFrame) -> Drawing:
    """Draw the paired differences of the table ``curves`` against k, a panel per selection.

    Args:
        frame: the table; bands of [-1, 1], of which nothing is known, do not decide the scale.
    """
    if frame.empty:
        return Drawing(notes=("no two conditions with a curve over k in common",))
    ends = frame[["difference_low", "difference_high"]].abs().to_numpy(dtype=float)
    seen = [frame["difference"].abs().max(), np.max(ends, initial=0.02, where=ends < 1)]
    reach = 1.1 * float(np.nanmax(seen))
    upwards = Axis(title="difference in accuracy", ends=(-reach, reach))
    panels, frame = [], with_conditions(frame)
    keys = [name for name in ("run", "condition", "against") if name in frame]
    last = frame[frame["k"] == frame["k"].max()]
    reached = last.assign(size=last["difference"].abs()).groupby(keys, observed=True)["size"].max()
    notes = []
    if len(reached) > MOST_PAIRS:
        notes.append(f"the {MOST_PAIRS} largest of {len(reached)} pairs at k = {last['k'].max()}")
        kept = set(reached.nlargest(MOST_PAIRS).index)
        frame = frame[[row in kept for row in frame[keys].itertuples(index=False, name=None)]]
    # the first run, which the others are compared with, has the first hue and no line
    of_run: dict[str, list[str]] = {"the first": []} if "run" in frame else {}
    for row in frame.drop_duplicates(keys).to_dict("records"):
        of_run.setdefault(str(row.get("run", "")), []).append(_pair(row))
    for selection, part in frame.groupby("selection", sort=False):
        rows = join_lines(
            points(line, "k", "difference", _pair(line.iloc[0].to_dict()))
            for _, line in part.groupby(keys, sort=False, observed=True)
        )
        rows["low"], rows["high"] = (rows[end].clip(-reach, reach) for end in ("low", "high"))
        along = sample_count_axis("k, samples in the subset", rows["x"])
        panels.append(Panel(title=str(selection), rows=rows, x=along, y=upwards, level=0.0))
    return Drawing(panels=panels, colours=related_colours(of_run), notes=notes)


def _pair(row: Mapping[Any, Any]) -> str:
    """Name a pair: ``T = 1 less 0.3``, or ``hot less base, T = 1``."""
    at = spell_condition(str(row["condition"]))
    if "run" in row:
        return f"{row['run']} less {row['against']}, {at}"
    return f"{at} less {str(row['against']).removeprefix('T = ')}"
