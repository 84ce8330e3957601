"""Figures of the metrics of diversity: against temperature, and outcomes against them."""

from __future__ import annotations

import pandas as pd

from workbench.analysis.condition_columns import has_names
from workbench.analysis.figures.drawing import (
    Axis,
    Drawing,
    Panel,
    explain_empty,
    join_lines,
    lines_by_condition,
    outcome_columns,
    points,
    sample_count_axis,
)
from workbench.analysis.figures.facets import Field, axes_of
from workbench.metrics import METRICS
from workbench.saved_run import Run


def diversity_by_temperature(run: Run) -> Drawing:
    """Mean of each metric over subsets against temperature, a line per k.

    Where several factors vary, at the largest k alone: against the temperature or, if it does not
    vary, the first factor of numbers, in the colours of another. Where fewer than two temperatures
    are known, or one other factor varies, against k, a line per condition; among known
    temperatures an unknown one is left aside.
    """
    frame = run.read("subsets", without=("members",))
    metrics = [name for name in run.experiment.measure.metrics if name in frame]
    if not metrics:
        return explain_empty(run, "diversity_by_temperature")
    keys = ["k", "condition", "temperature"]
    means = frame.groupby(keys, dropna=False, observed=True)[metrics].mean().reset_index()
    axes = axes_of(run.conditions)
    along = [axis for axis in axes if axis.numeric]
    if len(axes) > 1 and along:
        return _along_a_factor(means, metrics, along[0])
    several = has_names(run.conditions)
    known = [] if several else sorted(means["temperature"].dropna().unique())
    panels = []
    for metric in metrics:
        rows, x = _against(means, metric, known)
        panels.append(Panel(title=_label(metric), rows=rows, x=x, y=Axis(title="")))
    return Drawing(panels=panels, same_y=False)


def _along_a_factor(means: pd.DataFrame, metrics: list[str], axis: Field) -> Drawing:
    """Return each metric at the largest k against the levels of a factor, by condition."""
    k = means["k"].max()
    at = means[means["k"] == k].assign(condition=means["condition"].astype(str))
    at["level"] = at["condition"].map(dict(axis.of or {})).astype(float)
    ticks = [float(level) for level in axis.levels]
    panels = [
        Panel(
            title=_label(metric),
            rows=lines_by_condition(at.dropna(subset="level"), "level", metric),
            x=Axis(title=axis.name, ticks=ticks),
            y=Axis(title=""),
        )
        for metric in metrics
    ]
    notes = [f"means over the subsets of k = {k} samples"]
    about = f"Mean of each metric over subsets against {axis.name}, a line per level of the others."
    return Drawing(panels=panels, same_y=False, along=axis.name, notes=notes, about=about)


def _label(metric: str) -> str:
    """Return a metric's label, or its name where the plug-in that has it is not loaded."""
    return METRICS[metric].label if metric in METRICS else metric


def _against(means: pd.DataFrame, metric: str, known: list[float]) -> tuple[pd.DataFrame, Axis]:
    """Return the lines of one metric and what they are drawn against."""
    if len(known) > 1:
        lines = [
            points(part.dropna(subset="temperature"), "temperature", metric, f"k = {k}")
            for k, part in means.groupby("k")
        ]
        return join_lines(lines), Axis(title="temperature", ticks=known)
    rows = lines_by_condition(means, "k", metric)
    return rows, sample_count_axis("k, samples in the subset", means["k"])


def outcome_by_bucket(run: Run) -> Drawing:
    """Mean outcome of subsets against each metric, in buckets, at the largest k."""
    frame = run.table("bucket")
    if frame.empty:
        return explain_empty(run, "bucket")
    k = frame["k"].max()
    frame = frame[(frame["k"] == k) & (frame["rows"] == "all")]
    panels = []
    for metric, part in frame.groupby("metric", sort=False):
        name = str(metric)
        rows = join_lines(
            points(part, "mean", c, c.removesuffix("_correct"), size="count")
            for c in outcome_columns(frame)
        )
        rows[["low", "high"]] = float("nan")  # intervals would cover one another
        x, y = Axis(title=_label(name)), Axis(title="mean outcome")
        panels.append(Panel(title=f"{name}, k = {k}", rows=rows, x=x, y=y))
    return Drawing(panels=panels, size="subsets in the bucket")
