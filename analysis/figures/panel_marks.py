"""Panel -> the marks of a chart: lines, markers, bars of intervals, axes and legends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from workbench.analysis.figures.drawing import COLUMNS, Axis, Drawing, Panel

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#888888")
"""Okabe & Ito's palette, told apart by colour-blind readers; without black, lost on a dark page."""
SHAPES = (
    "circle",
    "square",
    "triangle-up",
    "diamond",
    "triangle-down",
    "cross",
    "triangle-right",
    "triangle-left",
)
"""One more than colours, so that a colour's second turn has another shape."""
PANEL = (250, 190)
"""Width and height of a panel, pixels."""
ALONE = (430, 270)
"""The same of the only panel of a figure."""
LETTER = 6.2
"""Width of a letter of a legend, pixels."""


@dataclass(frozen=True)
class Looks:
    """What tells the lines of a panel apart."""

    colour: alt.Color
    shape: alt.Shape
    detail: str | None = None
    """A column with a value for each line, where colours and shapes are not enough."""
    told: tuple[tuple[str, str], ...] = (("series", "line"),)
    """The columns that tell at a marker which line it is of, with their titles."""


def panels_of(drawing: Drawing) -> list[Any]:
    """Return the panels of a drawing, in its order."""
    whole = shared_reach(drawing)
    return [_panel(drawing, place, part, whole) for place, part in enumerate(drawing.panels)]


def shared_reach(drawing: Drawing) -> tuple[float, float] | None:
    """Return the range of y of all panels, or None where each has its own."""
    shown = [part.rows[["y", "low", "high"]] for part in drawing.panels]
    return reach(pd.concat(shown).to_numpy()) if drawing.same_y else None


def _panel(drawing: Drawing, place: int, part: Panel, ends: tuple[float, float] | None) -> Any:
    names = drawing.series
    rows = drawn_rows(part.rows[list(COLUMNS)], part.rows["series"], names)
    legend = legend_of(names, room=drawing.across * (_sides(drawing)[0] + 60))
    looks = Looks(
        alt.Color("series:N", scale=_coloured(names, drawing.colours), legend=legend),
        alt.Shape("series:N", scale=_cycle(names, SHAPES), legend=legend),
    )
    layers = layers_of(drawing, place, rows, looks, ends, alt.Chart(rows))
    width, height = _sides(drawing)
    whole = [*_dashed(part), *layers]
    return alt.layer(*whole, name=f"panel_{place}", width=width, height=height, title=part.title)


def drawn_rows(rows: pd.DataFrame, colours: pd.Series[str], names: Sequence[str]) -> pd.DataFrame:
    """Return rows with ``aside``, pixels beside their place, and ``interval``, as text."""
    step = min(3.5, 22 / len(names))  # bars of several lines side by side
    bounds = rows[["low", "high"]].to_numpy()
    return rows.assign(
        aside=[step * (names.index(s) - (len(names) - 1) / 2) for s in colours],
        interval=["" if np.isnan(low) else f"[{low:.3f}, {high:.3f}]" for low, high in bounds],
    )


def layers_of(
    drawing: Drawing,
    place: int,
    rows: pd.DataFrame,
    looks: Looks,
    ends: tuple[float, float] | None,
    base: alt.Chart,
) -> list[alt.Chart]:
    """Return lines, bars and markers of a panel.

    Args:
        drawing: the figure.
        place: of the panel in it.
        rows: of the panel, as ``drawn_rows`` returns them.
        looks: what tells its lines apart.
        ends: the range of y, where it is that of all panels.
        base: a chart that has the rows, or is given them by what it stands in.
    """
    part = drawing.panels[place]
    aside = alt.ExprRef("datum.aside") if part.x.apart else 0
    ends = part.y.ends or ends or reach(rows[["y", "low", "high"]].to_numpy())
    upwards = alt.Scale(domain=ends, nice=False, zero=False)
    base = base.encode(
        x=alt.X("x:Q", axis=_axis(part.x), scale=_scale(part.x, rows[["x"]].to_numpy())),
        y=alt.Y("y:Q", axis=_axis(part.y), scale=upwards),
        color=looks.colour,
        opacity=alt.condition({"param": "chosen"}, alt.value(1.0), alt.value(0.08)),
    )
    marks = base.mark_point(filled=True, size=34, opacity=1, xOffset=aside).encode(
        shape=looks.shape,
        tooltip=_tooltip(drawing, part, rows, looks),
    )
    if drawing.size:
        largest = max(float(p.rows["size"].max()) for p in drawing.panels)
        scale = alt.Scale(domain=[0, largest], range=[10, 160])
        marks = marks.encode(size=alt.Size("size:Q", scale=scale, legend=None))
    lines = base.mark_line(strokeWidth=1.6, xOffset=aside)
    if looks.detail:
        lines = lines.encode(detail=alt.Detail(f"{looks.detail}:N"))
    layers = [lines.properties(name=f"lines_{place}")]
    if rows["low"].notna().any():
        bars = base.mark_rule(strokeWidth=1.2, strokeOpacity=0.45, xOffset=aside)
        low = alt.Y("low:Q", axis=_axis(part.y), scale=upwards)
        layers.append(bars.encode(y=low, y2=alt.Y2("high:Q")))
    return [*layers, marks.properties(name=f"points_{place}")]


def dashed_line() -> dict[str, Any]:
    """Return how a line looks that stands for no series."""
    return {"strokeDash": [4, 3], "strokeWidth": 1, "color": alt.ExprRef("ink")}


def _dashed(part: Panel) -> list[alt.Chart]:
    """Return the lines that stand for no series."""
    look = dashed_line()
    x, y = alt.X("x:Q"), alt.Y("y:Q")
    found = []
    if part.level is not None:
        found.append(_alone({"y": part.level}).mark_rule(**look).encode(y=y))
    if part.place is not None:
        found.append(_alone({"x": part.place}).mark_rule(**look).encode(x=x))
    if part.diagonal:
        ends = _alone({"x": 0.0, "y": 0.0}, {"x": 1.0, "y": 1.0})
        found.append(ends.mark_line(**look).encode(x=x, y=y))
    return found


def _alone(*values: dict[str, float]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=list(values)))


def _axis(axis: Axis) -> alt.Axis:
    options: dict[str, Any] = {"values": list(axis.ticks)} if axis.ticks else {"tickCount": 5}
    if axis.log or axis.ticks:
        options["format"] = ",.0f" if axis.log else "~g"  # by itself it would round 0.65 to 0.7
    return alt.Axis(title=axis.title, labelOverlap="greedy", **options)


def _scale(axis: Axis, values: np.ndarray) -> alt.Scale:
    """Return the scale of an x axis, as far as the values reach and a little further."""
    if axis.log:
        low, high = np.nanmin(values), np.nanmax(values)
        return alt.Scale(type="log", base=2, domain=[low / 1.25, high * 1.25], nice=False)
    return alt.Scale(domain=axis.ends or reach(values), nice=False, zero=False)


def reach(values: np.ndarray) -> tuple[float, float]:
    """Return the least and the largest value, and a little room at both ends."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    room = 0.06 * (high - low) or 0.05 * max(abs(high), 1.0)
    return low - room, high + room


def _sides(drawing: Drawing) -> tuple[int, int]:
    return ALONE if len(drawing.panels) == 1 else PANEL


def _tooltip(drawing: Drawing, part: Panel, rows: pd.DataFrame, looks: Looks) -> list[alt.Tooltip]:
    number = ",.0f" if part.x.log or (rows["x"] % 1 == 0).all() else ",.4~g"
    found = [
        *(alt.Tooltip(f"{column}:N", title=title) for column, title in looks.told),
        alt.Tooltip("x:Q", title=part.x.title, format=number),
        alt.Tooltip("y:Q", title=part.y.title or part.title, format=",.4~g"),
    ]
    if rows["low"].notna().any():
        found.append(alt.Tooltip("interval:N", title=drawing.interval))
    if drawing.size:
        found.append(alt.Tooltip("size:Q", title=drawing.size, format=",.0f"))
    return found


def _coloured(names: list[str], own: Mapping[str, str]) -> alt.Scale:
    cycled = [COLOURS[i % len(COLOURS)] for i in range(len(names))]
    chosen = [own.get(name, colour) for name, colour in zip(names, cycled, strict=True)]
    return alt.Scale(domain=names, range=chosen)


def _cycle(names: list[str], looks: tuple[str, ...]) -> alt.Scale:
    return alt.Scale(domain=names, range=[looks[i % len(looks)] for i in range(len(names))])


def legend_of(
    names: Sequence[str], room: float, title: str | None = None, **more: Any
) -> alt.Legend:
    """Return a legend above the panels, in as many columns as there is room for, in pixels."""
    longest = max(len(name) for name in names) * LETTER + 34
    columns = max(1, min(len(names), int(room / longest)))
    return alt.Legend(title=title, orient="top", columns=columns, symbolType="circle", **more)
