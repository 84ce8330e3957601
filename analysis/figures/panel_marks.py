"""Panel -> the marks of a chart: lines, markers, bars of intervals, axes and legends."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from workbench.analysis.figures.colours import SeriesLook, looks_of
from workbench.analysis.figures.drawing import COLUMNS, EXTRAS, Axis, Drawing, Panel

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
    kept = [name for name in (*COLUMNS, *EXTRAS) if name in part.rows]
    rows = drawn_rows(part.rows[kept], part.rows["series"], names)
    legend = legend_of(names, room=drawing.across * (_sides(drawing)[0] + 60))
    found = [
        replace(look, colour=drawing.colours.get(name, look.colour))
        for name, look in zip(
            names, looks_of(names, drawing.lines, ordered=drawing.ordered), strict=True
        )
    ]
    looks = Looks(
        alt.Color("series:N", scale=scale_of(names, found, "colour"), legend=legend),
        alt.Shape("series:N", scale=scale_of(names, found, "shape"), legend=legend),
    )
    layers = layers_of(drawing, place, rows, looks, ends, alt.Chart(rows))
    width, height = _sides(drawing)
    whole = [*_dashed(part), *layers]
    return alt.layer(*whole, name=f"panel_{place}", width=width, height=height, title=part.title)


def drawn_rows(rows: pd.DataFrame, colours: pd.Series[str], names: Sequence[str]) -> pd.DataFrame:
    """Return rows with ``aside``, pixels beside their place, and ``interval``, as text."""
    step = min(3.5, 22 / len(names))  # bars of several lines side by side
    bounds = rows[["low", "high"]].to_numpy()
    if "x_low" in rows:
        ends = rows[["x_low", "x_high"]].to_numpy()
        rows = rows.assign(x_interval=[_spell(*bounds) for bounds in ends])
    return rows.assign(
        aside=[step * (names.index(s) - (len(names) - 1) / 2) for s in colours],
        interval=[_spell(*ends) for ends in bounds],
    )


def _spell(low: float, high: float) -> str:
    return "" if np.isnan(low) else f"[{low:.3f}, {high:.3f}]"


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
    spread = rows[["x", *(name for name in ("x_low", "x_high") if name in rows)]]
    across = _scale(part.x, spread.to_numpy())
    along = alt.X("x:Q", axis=_axis(part.x), scale=across)
    base = base.encode(
        x=along,
        y=alt.Y("y:Q", axis=_axis(part.y), scale=upwards),
        color=looks.colour,
        opacity=alt.condition({"param": "chosen"}, alt.value(1.0), alt.value(0.08)),
    )
    marks = base.mark_point(filled=True, size=34, opacity=1, xOffset=aside).encode(
        shape=looks.shape,
        tooltip=_tooltip(drawing, part, rows, looks),
    )
    if drawing.size and drawing.same_size is None:
        largest = max(float(p.rows["size"].max()) for p in drawing.panels)
        scale = alt.Scale(domain=[0, largest], range=[10, 160])
        marks = marks.encode(size=alt.Size("size:Q", scale=scale, legend=None))
    stroke: dict[str, Any] = {"strokeOpacity": 0} if part.x.names or drawing.scattered else {}
    lines = base.mark_line(strokeWidth=1.6, xOffset=aside, **stroke)
    if drawing.joined:
        lines = lines.encode(order=alt.Order("place:Q"))
    if looks.detail:
        lines = lines.encode(detail=alt.Detail(f"{looks.detail}:N"))
    layers = [lines]
    bar: dict[str, Any] = {"strokeWidth": 1.2, "strokeOpacity": 0.6}
    if rows["low"].notna().any():
        low = alt.Y("low:Q", axis=_axis(part.y), scale=upwards)
        bars = base.mark_rule(xOffset=aside, **bar)
        if drawing.bands:
            bars = base.mark_area(fillOpacity=0.14)
            bars = bars.transform_filter("datum.band") if "band" in rows else bars
            bars = bars.encode(detail=alt.Detail(f"{looks.detail}:N")) if looks.detail else bars
        bars = bars.encode(y=low, y2=alt.Y2("high:Q"))
        layers = [bars, lines] if drawing.bands else [lines, bars]
    layers[0] = layers[0].properties(name=f"lines_{place}")  # the first hears the legend
    if "x_low" in rows and rows["x_low"].notna().any():
        left = alt.X("x_low:Q", axis=_axis(part.x), scale=across)
        layers.append(base.mark_rule(**bar).encode(x=left, x2=alt.X2("x_high:Q")))
    if "label" in rows:
        flush = alt.ExprRef("datum.side == 'left' ? 'right' : 'left'")
        away = alt.ExprRef("datum.side == 'left' ? -4 : 4")
        named = base.mark_text(align=flush, dx=away, dy=-11, fontSize=10)
        layers.append(named.encode(text="label:N"))
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
    if axis.names:
        places = list(range(len(axis.names)))
        names = f"{json.dumps(list(axis.names))}[datum.value]"
        return alt.Axis(title=axis.title, values=places, labelExpr=names, labelLimit=90)
    options: dict[str, Any] = {"values": list(axis.ticks)} if axis.ticks else {"tickCount": 5}
    if axis.log or axis.ticks:
        options["format"] = ",.0f" if axis.log else "~g"  # by itself it would round 0.65 to 0.7
    return alt.Axis(title=axis.title, labelOverlap="greedy", **options)


def _scale(axis: Axis, values: np.ndarray) -> alt.Scale:
    """Return the scale of an x axis, as far as the values reach and a little further."""
    if axis.log:
        low, high = np.nanmin(values), np.nanmax(values)
        return alt.Scale(type="log", base=2, domain=[low / 1.25, high * 1.25], nice=False)
    if axis.names:
        return alt.Scale(domain=[-0.5, len(axis.names) - 0.5], nice=False, zero=False)
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
        *[alt.Tooltip("at:N", title=drawing.along or "condition")] * ("at" in rows),
        *[alt.Tooltip("x:Q", title=part.x.title, format=number)] * (not part.x.names),
        *[alt.Tooltip("x_interval:N", title=drawing.interval)] * ("x_interval" in rows),
        alt.Tooltip("y:Q", title=part.y.title or part.title, format=",.4~g"),
    ]
    if rows["low"].notna().any():
        found.append(alt.Tooltip("interval:N", title=drawing.interval))
    if drawing.size:
        found.append(alt.Tooltip("size:Q", title=drawing.size, format=",.0f"))
    return found


def scale_of(names: Sequence[str], looks: Sequence[SeriesLook], which: str) -> alt.Scale:
    """Return the scale that gives each line its ``colour``, or its ``shape``."""
    return alt.Scale(domain=list(names), range=[getattr(look, which) for look in looks])


def legend_of(
    names: Sequence[str], room: float, title: str | None = None, **more: Any
) -> alt.Legend:
    """Return a legend above the panels, in as many columns as there is room for, in pixels."""
    longest = max(len(name) for name in names) * LETTER + 34
    columns = max(1, min(len(names), int(room / longest)))
    return alt.Legend(title=title, orient="top", columns=columns, symbolType="circle", **more)
