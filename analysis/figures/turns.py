"""Figures of second turns: how much second answers differ, and what became of the first ones."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from workbench.analysis.figures.drawing import (
    Axis,
    Drawing,
    Panel,
    explain_empty,
    join_lines,
    panel_title,
    points,
)
from workbench.core.conditions import ALL, spell_condition
from workbench.saved_run import Run

FLOWS = {
    "i_to_c": "became right",
    "c_to_i": "became wrong",
    "stays_right": "stayed right",
    "stays_wrong": "stayed wrong",
}
"""What became of correctness, as tables and figures call it."""
ACCURACIES = {"accuracy@t1": "first answers", "accuracy@t2": "second answers"}


def edit_distance(run: Run) -> Drawing:
    """Edit-distance ratio between first and second answers, by what became of correctness.

    A histogram for each condition of first answers, and the means of all.
    """
    bins, means = (_table(run, name) for name in ("edit_distances", "self_correction"))
    if bins.empty or means.empty:
        return explain_empty(run, "self_correction")
    bins = bins.assign(middle=(bins["low"] + bins["high"]) / 2)
    bins = bins[bins["low"] <= bins.loc[bins["pairs"] > 0, "high"].max()]  # and an empty one
    ratio = Axis(title="edit-distance ratio")
    panels = [
        Panel(
            title=panel_title(str(first)),
            rows=join_lines(
                points(part[part["outcome"] == name], "middle", "share", label)
                for name, label in FLOWS.items()
            ),
            x=ratio,
            y=Axis(title="share of the pairs of a line"),
        )
        for first, part in bins.groupby("first", sort=False)
    ]
    by_outcome = {f"edit_{name}": label for name, label in FLOWS.items()}
    panels.append(_by_condition(means, by_outcome, "means", ratio))
    return Drawing(panels=panels, same_y=False)


def turn_flow(run: Run) -> Drawing:
    """Accuracy of first and second answers, and the shares that became right and wrong."""
    table = _table(run, "self_correction")
    if table.empty:
        return explain_empty(run, "self_correction")
    panels = [
        _by_condition(table, ACCURACIES, "accuracy", Axis(title="accuracy")),
        _by_condition(table, FLOWS, "what became of first answers", Axis(title="share of pairs")),
    ]
    return Drawing(panels=panels, same_y=False)


def _table(run: Run, name: str) -> pd.DataFrame:
    return run.table(name) if name in run.tables else pd.DataFrame()


def _by_condition(table: pd.DataFrame, lines: Mapping[str, str], title: str, y: Axis) -> Panel:
    """Return a panel with a line for each column, against the conditions of the first answers."""
    table = table[table["first"] != ALL] if len(table) > 1 else table
    table = table.assign(place=range(len(table)))
    names = [spell_condition(str(name)) for name in table["first"]]
    rows = join_lines(points(table, "place", column, label) for column, label in lines.items())
    return Panel(
        title=title, rows=rows, x=Axis(title="first answers", names=names, apart=True), y=y
    )
