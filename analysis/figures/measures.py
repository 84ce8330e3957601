"""Figures of the metrics of diversity: against temperature, and outcomes against them."""

from __future__ import annotations

import pandas as pd

from workbench.analysis.condition_columns import has_names, with_conditions
from workbench.analysis.figures.accuracies import label_of, outcome_columns
from workbench.analysis.figures.by_factor import diversity_table
from workbench.analysis.figures.drawing import (
    ACCURACY,
    Axis,
    Drawing,
    Panel,
    explain_empty,
    join_lines,
    lines_by_condition,
    metric_label,
    points,
    sample_count_axis,
)
from workbench.analysis.figures.facets import Field, axes_of
from workbench.core.conditions import TEMPERATURE
from workbench.saved_run import Run

COUNTED = "subsets at a point"
IN_BUCKETS = ("coverage", "maj", "best")
"""What is drawn of buckets, where these are there: more lines would hide one another."""


def diversity_by_temperature(run: Run) -> Drawing:
    """Mean of each metric over subsets against temperature, a line per k.

    Where several factors vary, at the largest k alone: against the temperature or, if it does not
    vary, the first factor of numbers, in the colours of another. Where fewer than two temperatures
    are known, or one other factor varies, against k, a line per condition; among known
    temperatures an unknown one is left aside.
    """
    means = diversity_table(run)
    if means.empty:
        return explain_empty(run, "diversity")
    axes = axes_of(run.conditions)
    numeric = [axis for axis in axes if axis.numeric]
    if len(axes) > 1 and numeric:
        return _along_a_factor(means, numeric[0])
    known = [] if has_names(run.conditions) else sorted(means[TEMPERATURE].dropna().unique())
    panels = []
    for metric, part in means.groupby("metric", sort=False):
        rows, x = _against(part, known)
        panels.append(_panel(str(metric), rows, x))
    return Drawing(panels=panels, same_y=False, ordered=len(known) > 1, size=COUNTED)


def _along_a_factor(means: pd.DataFrame, axis: Field) -> Drawing:
    """Return each metric at the largest k against the levels of a factor, by condition."""
    k = means["k"].max()
    at = means[means["k"] == k]
    at = at.assign(level=at["condition"].map(dict(axis.of or {})).astype(float))
    x = Axis(title=axis.name, ticks=[float(level) for level in axis.levels])
    panels = []
    for metric, part in at.dropna(subset="level").groupby("metric", sort=False):
        rows = lines_by_condition(part, "level", "diversity", "subsets")
        panels.append(_panel(str(metric), rows, x))
    notes = [f"means over the subsets of k = {k} samples"]
    about = f"Mean of each metric over subsets against {axis.name}, a line per level of the others."
    return Drawing(
        panels=panels, same_y=False, along=axis.name, notes=notes, about=about, size=COUNTED
    )


def _panel(metric: str, rows: pd.DataFrame, x: Axis) -> Panel:
    return Panel(title=metric_label(metric), rows=rows, x=x, y=Axis(title=""))


def _against(means: pd.DataFrame, known: list[float]) -> tuple[pd.DataFrame, Axis]:
    """Return the lines of one metric and what they are drawn against."""
    if len(known) > 1:
        lines = [
            points(part.dropna(subset=TEMPERATURE), TEMPERATURE, "diversity", f"k = {k}", "subsets")
            for k, part in means.groupby("k")
        ]
        return join_lines(lines), Axis(title=TEMPERATURE, ticks=known, apart=True)
    rows = lines_by_condition(with_conditions(means), "k", "diversity", "subsets")
    return rows, sample_count_axis("k, samples in the subset", means["k"])


def outcome_by_bucket(run: Run) -> Drawing:
    """Accuracy of subsets against each metric, in buckets, at the largest k."""
    frame = run.table("bucket")
    if frame.empty:
        return explain_empty(run, "bucket")
    k = frame["k"].max()
    frame = frame[(frame["k"] == k) & (frame["rows"] == "all")]
    there = {c: label_of(c) for c in outcome_columns(frame)}
    plain = {name.removesuffix(" (drawn)"): c for c, name in there.items()}
    shown = {plain[name]: there[plain[name]] for name in IN_BUCKETS if name in plain}
    panels = [
        Panel(
            title=f"{metric}, k = {k}",
            rows=join_lines(
                points(part, "mean", c, name, size="count") for c, name in (shown or there).items()
            ),
            x=Axis(title=metric_label(str(metric)), apart=True),
            y=ACCURACY,
        )
        for metric, part in frame.groupby("metric", sort=False)
    ]
    notes = [f"over the drawn subsets of k = {k} samples"]
    left = ", ".join(name for c, name in there.items() if shown and c not in shown)
    notes += [f"{left}: in the table bucket"] * bool(left)
    return Drawing(panels=panels, size="subsets in the bucket", lines="selection", notes=notes)
