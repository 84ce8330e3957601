"""Figures of accuracy against what it costs: k samples, tokens, or samples kept of k."""

from __future__ import annotations

import pandas as pd

from workbench.analysis.aggregate.pruning import EVERYTHING
from workbench.analysis.figures.drawing import (
    Axis,
    Drawing,
    Panel,
    at_temperature,
    explain_empty,
    join_lines,
    lines_by_temperature,
    outcome_columns,
    points,
    sample_count_axis,
    spell_key,
)
from workbench.analysis.tables.accuracy import MIXED
from workbench.saved_run import Run

RIGHT = Axis(title="share of problems right")
PRUNED = ("coverage", "maj", "best")
"""What the figure of pruning shows: what the kept samples hold, and what is made of it."""


def accuracy_by_k(run: Run) -> Drawing:
    """Accuracy of each selection, coverage and a single sample against k, per temperature."""
    frame = run.table("accuracy_by_k_temperature")
    if frame.empty:
        return explain_empty(run, "accuracy_by_k_temperature")
    columns = [*outcome_columns(frame), "single_sample"]
    pool = frame["pool"] if "pool" in frame else pd.Series("", index=frame.index)
    panels = [
        Panel(
            title="temperatures mixed" if mixed else f"temperature {spell_key(temperature)}",
            rows=join_lines(points(part, "k", c, c.removesuffix("_correct")) for c in columns),
            x=sample_count_axis("k, samples in the subset", frame["k"]),
            y=RIGHT,
        )
        for (mixed, temperature), part in frame.groupby(
            [pool.eq(MIXED).rename("mixed"), "temperature"], dropna=False
        )
    ]
    return Drawing(panels=panels)


def accuracy_by_tokens(run: Run) -> Drawing:
    """Accuracy of each selection and coverage against tokens spent, a line per temperature."""
    frame = run.table("budget")
    if frame.empty:
        return explain_empty(run, "budget")
    frame = frame[frame["tokens"] > 0]  # a log axis has no 0
    panels = [
        Panel(
            title=column.removesuffix("_correct"),
            rows=lines_by_temperature(frame, "tokens", column),
            x=Axis(title="tokens per problem", log=True),
            y=RIGHT,
        )
        for column in outcome_columns(frame)
    ]
    return Drawing(panels=panels)


def accuracy_by_m(run: Run) -> Drawing:
    """Accuracy of the kept samples against m: a line per method, a row per temperature."""
    frame = run.table("pruning")
    if frame.empty or (frame["method"] == EVERYTHING).all():
        return explain_empty(run, "pruning")
    names = [name for name in PRUNED if (frame["selection"] == name).any()]
    methods = list(dict.fromkeys(frame.loc[frame["method"] != EVERYTHING, "method"]))
    panels = []
    for temperature, at in frame.groupby("temperature", dropna=False):
        for selection in names:
            part = at[at["selection"] == selection]
            whole = part.loc[part["method"] == EVERYTHING, "accuracy"]
            lines = [points(part[part["method"] == m], "m", "accuracy", m) for m in methods]
            panels.append(
                Panel(
                    title=f"{selection}, {at_temperature(temperature)}",
                    rows=join_lines(lines),
                    x=sample_count_axis("m, samples kept", part["m"]),
                    y=RIGHT,
                    level=float(whole.iloc[0]) if len(whole) else None,
                )
            )
    return Drawing(panels=panels, columns=len(names), notes=["dashed: all samples kept"])


def coverage_curve(run: Run) -> Drawing:
    """The exact pass@k, maj@k and best@k against k, a line per temperature."""
    frame = run.table("coverage_curve")
    if frame.empty:
        return explain_empty(run, "coverage_curve")
    largest = frame.groupby("temperature", dropna=False)["k"].transform("max")
    if (largest > 1).any():
        frame = frame[largest > 1]  # one greedy sample has no curve
    panels = [
        Panel(
            title=column,
            rows=lines_by_temperature(frame, "k", column),
            x=sample_count_axis("k, samples in the subset", frame["k"]),
            y=Axis(title="expected accuracy"),
        )
        for column in frame.columns
        if column.endswith("@k")
    ]
    return Drawing(panels=panels)
