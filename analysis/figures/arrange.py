"""Lays a figure out by the factors of its run: a grid of panels for each outcome, and colours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from workbench.analysis.figures.drawing import Drawing, Panel
from workbench.analysis.figures.facets import Facets, Field, axes_of, facets_of, rises
from workbench.core.conditions import Condition

LEFT_OUT = "greedy samples and pools of mixed conditions are in the tables only"


def arrange(
    drawing: Drawing,
    conditions: Sequence[Condition],
    colour: str | None = None,
    columns: str | None = None,
    rows: str | None = None,
) -> Drawing:
    """Return a figure in which each condition had a line or panel as grids, one for each outcome.

    A figure that is not of conditions, or whose conditions differ in one thing only, stays as it
    is. Nothing is averaged: each condition keeps its lines.

    Args:
        drawing: the figure; its panels or the rows in them tell their conditions.
        conditions: of the run.
        colour: the factor that the colours stand for; by default, as ``facets_of`` has it.
        columns: that of the columns of panels.
        rows: that of their rows.

    Raises:
        ValueError: a choice is no factor of the figure, or there is nothing to choose.
    """
    axes = [axis for axis in axes_of(conditions) if axis.name != drawing.along]
    told = any(panel.condition or "condition" in panel.rows for panel in drawing.panels)
    if not told or not axes or len(axes) + bool(drawing.along) < 2:
        if colour or columns or rows:
            why = "its conditions differ in one thing only" if told else "it is not by condition"
            if told and axes and ", " in axes[0].name:
                why = f"its conditions are no full grid of any of {axes[0].name}"
            raise ValueError(f"this figure has no factors to choose from: {why}")
        rising = told and not drawing.lines and len(axes) == 1 and rises(axes[0])
        return replace(drawing, ordered=True) if rising else drawing
    panels, dropped = _by_outcome(drawing, axes)
    lines = _line_field(drawing, panels)
    facets = _along_facets(axes, lines) if drawing.along else facets_of(axes, lines)
    facets = facets.chosen(colour, columns, rows)
    notes = [*drawing.notes, *[LEFT_OUT] * dropped]
    return replace(drawing, panels=panels, facets=facets, notes=notes, columns=0)


def _by_outcome(drawing: Drawing, axes: Sequence[Field]) -> tuple[list[Panel], bool]:
    """Return a panel for each outcome with the rows of all conditions, and whether some are out.

    A row then has a column for each field, by its name, and one for its dashed line, ``level``.
    """
    parts: dict[str, list[Panel]] = {}
    for panel in drawing.panels:
        parts.setdefault(panel.outcome if panel.condition else panel.title, []).append(panel)
    found, dropped = [], False
    for outcome, same in parts.items():
        whole = pd.concat([_told(panel) for panel in same], ignore_index=True)
        known = whole["condition"].isin(list(axes[0].of or ()))
        dropped |= not known.all()
        rows = whole[known].reset_index(drop=True)
        for axis in axes:
            rows[axis.name] = rows["condition"].map(dict(axis.of or {}))
        if drawing.lines:
            rows[drawing.lines] = rows["series"]
        found.append(replace(same[0], title=outcome, rows=rows, condition="", level=None))
    return found, dropped


def _told(panel: Panel) -> pd.DataFrame:
    told = {"condition": panel.condition} if panel.condition else {}
    level = float("nan") if panel.level is None else panel.level
    return panel.rows.assign(**told, level=level)


def _line_field(drawing: Drawing, panels: Sequence[Panel]) -> Field | None:
    if not drawing.lines:
        return None
    levels = dict.fromkeys(name for panel in panels for name in panel.rows["series"])
    return Field(name=drawing.lines, levels=tuple(levels))


def _along_facets(axes: Sequence[Field], lines: Field | None) -> Facets:
    """Return the layout of a figure along a factor: colours, columns, rows."""
    fields = (*axes, lines) if lines else (*axes,)
    colour, *rest = (field.name for field in ((lines, *axes) if lines else axes))
    return Facets(fields=fields, colour=colour, columns=tuple(rest[:1]), rows=tuple(rest[1:]))
