"""Figures of accuracy against what it costs: k samples, tokens, or samples kept of k."""

from __future__ import annotations

import math
from collections.abc import Sequence

from workbench.analysis.aggregate.pruning import EVERYTHING
from workbench.analysis.condition_columns import has_names, with_conditions
from workbench.analysis.figures.accuracies import (
    COVERAGE,
    SINGLE,
    accuracies,
    label_of,
    outcome_columns,
)
from workbench.analysis.figures.drawing import (
    ACCURACY,
    Axis,
    Drawing,
    Panel,
    band_axis,
    explain_empty,
    join_lines,
    lines_by_condition,
    only_bands,
    panel_title,
    points,
    sample_count_axis,
)
from workbench.analysis.figures.facets import Field, axes_of
from workbench.core.conditions import MIXED, Condition, spell_condition
from workbench.saved_run import Run

BANDED = (COVERAGE, "maj", "best", SINGLE)
"""The selections whose intervals are drawn where there are many."""
PRUNED = ("coverage", "maj", "best")
"""What the figure of pruning shows: what the kept samples hold, and what is made of it."""


def accuracy_by_k(run: Run) -> Drawing:
    """Accuracy of each selection, coverage and a single sample against k, per condition."""
    found = accuracies(run)
    if found.empty:
        return explain_empty(run, "accuracy_by_k_temperature")
    mixed = "conditions mixed" if has_names(run.conditions) else "temperatures mixed"
    panels = [
        Panel(
            title=mixed if at == MIXED else panel_title(str(at)),
            rows=only_bands(
                join_lines(
                    points(line, "k", "accuracy", str(name))
                    for name, line in part.groupby("selection", sort=False)
                ),
                BANDED,
            ),
            x=band_axis(found["k"]),
            y=ACCURACY,
            condition=str(at),
        )
        for at, part in found.groupby("condition", observed=True)
    ]
    many = any(not panel.rows["band"].all() for panel in panels)
    notes = [f"bands of {', '.join(BANDED)} alone"] * many
    return Drawing(panels=panels, lines="selection", bands=True, notes=notes)


def accuracy_by_tokens(run: Run) -> Drawing:
    """Accuracy of each selection and coverage against tokens spent, a line per condition."""
    frame = run.table("budget")
    if frame.empty:
        return explain_empty(run, "budget")
    frame = frame[frame["tokens"] > 0]  # a log axis has no 0
    panels = [
        Panel(
            title=label_of(column),
            rows=lines_by_condition(frame, "tokens", column),
            x=Axis(title="tokens per problem", log=True),
            y=ACCURACY,
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
    shown = shown_conditions(run.conditions)
    parts = list(with_conditions(frame).groupby("condition", observed=True))
    kept = [(name, at) for name, at in parts if name in shown] or parts
    for name, at in kept:
        for selection in names:
            part = at[at["selection"] == selection]
            whole = part.loc[part["method"] == EVERYTHING, "accuracy"]
            lines = [points(part[part["method"] == m], "m", "accuracy", m) for m in methods]
            panels.append(
                Panel(
                    title=f"{selection}, {spell_condition(str(name))}",
                    rows=join_lines(lines),
                    x=sample_count_axis("m, samples kept", part["m"]),
                    y=ACCURACY,
                    level=float(whole.iloc[0]) if len(whole) else None,
                    condition=str(name),
                    outcome=selection,
                )
            )
    notes = ["dashed: all samples kept"]
    if left := len(parts) - len(kept):
        notes.append(f"{len(kept)} of {len(parts)} conditions; the table pruning has {left} more")
    return Drawing(panels=panels, columns=len(names), notes=notes, lines="method")


def shown_conditions(conditions: Sequence[Condition]) -> set[str]:
    """Return the conditions of which there is room for a row of panels each: twelve at most.

    Levels are left out evenly, the first and the last are kept: six where one factor varies, four
    of the first and three of the second where several do, with the first level of all others.
    """
    axes = axes_of(conditions)
    most = [6] if len(axes) == 1 else [4, 3]
    few = len(axes) > 1 and len(conditions) <= math.prod(most)
    kept = {one.name for one in conditions if not one.greedy}
    for place, axis in enumerate(axes):
        levels = axis.levels if few else _spread(axis, most[place] if place < len(most) else 1)
        kept &= {name for name, level in (axis.of or {}).items() if level in levels}
    return kept


def _spread(axis: Field, most: int) -> list[str]:
    """Return so many levels at equal distances, with the first and the last."""
    last = len(axis.levels) - 1
    count = min(most, len(axis.levels))
    return [axis.levels[round(place * last / max(count - 1, 1))] for place in range(count)]


def coverage_curve(run: Run) -> Drawing:
    """The exact pass@k, maj@k and best@k against k, a line per condition."""
    frame = run.table("coverage_curve")
    if frame.empty:
        return explain_empty(run, "coverage_curve")
    rows = with_conditions(frame)
    largest = rows.groupby("condition", observed=True)["k"].transform("max")
    if (largest > 1).any():
        rows = rows[largest > 1]  # one greedy sample has no curve
    names = [str(name) for name in dict.fromkeys(rows["condition"])]
    ends = [names[0], names[-1]] if len(axes_of(run.conditions)) < 2 else names
    panels = [
        Panel(
            title=column,
            rows=only_bands(lines_by_condition(rows, "k", column), ends),
            x=band_axis(rows["k"]),
            y=ACCURACY,
        )
        for column in rows.columns
        if column.endswith("@k")
    ]
    many = any(not panel.rows["band"].all() for panel in panels)
    notes = ["bands of the first and the last condition alone"] * many
    return Drawing(panels=panels, bands=True, notes=notes)
