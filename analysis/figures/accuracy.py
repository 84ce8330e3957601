"""Figures of accuracy against what it costs: k samples, tokens, or samples kept of k."""

from __future__ import annotations

import pandas as pd

from workbench.analysis.aggregate.pruning import EVERYTHING
from workbench.analysis.condition_columns import with_conditions
from workbench.analysis.figures.drawing import (
    Axis,
    Drawing,
    Panel,
    explain_empty,
    join_lines,
    lines_by_condition,
    outcome_columns,
    panel_title,
    points,
    sample_count_axis,
)
from workbench.core.conditions import MIXED, spell_condition
from workbench.saved_run import Run

RIGHT = Axis(title="share of problems right")
PRUNED = ("coverage", "maj", "best")
"""What the figure of pruning shows: what the kept samples hold, and what is made of it."""


def accuracy_by_k(run: Run) -> Drawing:
    """Accuracy of each selection, coverage and a single sample against k, per condition."""
    frame = run.table("accuracy_by_k_temperature")
    if frame.empty:
        return explain_empty(run, "accuracy_by_k_temperature")
    columns = [*outcome_columns(frame), "single_sample"]
    named = "condition" in frame
    mixed = "conditions mixed" if named else "temperatures mixed"
    panels = [
        Panel(
            title=mixed if at == MIXED else panel_title(str(at)),
            rows=join_lines(points(part, "k", c, c.removesuffix("_correct")) for c in columns),
            x=sample_count_axis("k, samples in the subset", frame["k"]),
            y=RIGHT,
            condition=str(at),
        )
        for at, part in _mixed_last(with_conditions(frame))
    ]
    return Drawing(panels=panels, lines="selection")


def _mixed_last(frame: pd.DataFrame) -> list[tuple[object, pd.DataFrame]]:
    parts = list(frame.groupby("condition", observed=True))
    return sorted(parts, key=lambda part: part[0] == MIXED)


def accuracy_by_tokens(run: Run) -> Drawing:
    """Accuracy of each selection and coverage against tokens spent, a line per condition."""
    frame = run.table("budget")
    if frame.empty:
        return explain_empty(run, "budget")
    frame = frame[frame["tokens"] > 0]  # a log axis has no 0
    panels = [
        Panel(
            title=column.removesuffix("_correct"),
            rows=lines_by_condition(frame, "tokens", column),
            x=Axis(title="tokens per problem", log=True),
            y=RIGHT,
        )
        for column in outcome_columns(frame)
    ]
    return Drawing(panels=panels)


def accuracy_by_m(run: Run) -> Drawing:
    """Accuracy of the kept samples against m: a line per method, a row per condition."""
    frame = run.table("pruning")
    if frame.empty or (frame["method"] == EVERYTHING).all():
        return explain_empty(run, "pruning")
    names = [name for name in PRUNED if (frame["selection"] == name).any()]
    methods = list(dict.fromkeys(frame.loc[frame["method"] != EVERYTHING, "method"]))
    panels = []
    for name, at in with_conditions(frame).groupby("condition", observed=True):
        for selection in names:
            part = at[at["selection"] == selection]
            whole = part.loc[part["method"] == EVERYTHING, "accuracy"]
            lines = [points(part[part["method"] == m], "m", "accuracy", m) for m in methods]
            panels.append(
                Panel(
                    title=f"{selection}, {spell_condition(str(name))}",
                    rows=join_lines(lines),
                    x=sample_count_axis("m, samples kept", part["m"]),
                    y=RIGHT,
                    level=float(whole.iloc[0]) if len(whole) else None,
                    condition=str(name),
                    outcome=selection,
                )
            )
    notes = ["dashed: all samples kept"]
    return Drawing(panels=panels, columns=len(names), notes=notes, lines="method")


def coverage_curve(run: Run) -> Drawing:
    """The exact pass@k, maj@k and best@k against k, a line per condition."""
    frame = run.table("coverage_curve")
    if frame.empty:
        return explain_empty(run, "coverage_curve")
    rows = with_conditions(frame)
    largest = rows.groupby("condition", observed=True)["k"].transform("max")
    if (largest > 1).any():
        rows = rows[largest > 1]  # one greedy sample has no curve
    panels = [
        Panel(
            title=column,
            rows=lines_by_condition(rows, "k", column),
            x=sample_count_axis("k, samples in the subset", rows["k"]),
            y=Axis(title="expected accuracy"),
        )
        for column in rows.columns
        if column.endswith("@k")
    ]
    return Drawing(panels=panels)
