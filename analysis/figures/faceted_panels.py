"""A figure of several factors: a grid of small panels for each outcome, and what a page rearranges.

Each row of the data has the columns ``colour``, ``shape``, ``row``, ``column`` and ``line``, by
which Vega-Lite makes panels and lines, and one for each field, ``f0``, ``f1`` …, from which
``charts.js`` makes the former anew when somebody chooses another factor there.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import altair as alt
import pandas as pd

from workbench.analysis.figures.colours import SHAPES, field_looks
from workbench.analysis.figures.drawing import EXTRAS, Drawing, Panel
from workbench.analysis.figures.facets import Facets
from workbench.analysis.figures.panel_marks import (
    PANEL,
    Looks,
    dashed_line,
    drawn_rows,
    layers_of,
    legend_of,
    scale_of,
    shared_reach,
)

WIDE = 860
"""Width of a whole grid, pixels, as far as ``NARROWEST`` lets it."""
NARROWEST = 96
SHORT = 130
"""Width of a panel, pixels, under which there is no room for the whole title of its x axis."""
HEIGHTS = ((2, PANEL[1]), (10, 128), (10**6, 88))
"""So many panels below one another at most -> the height of each."""


def faceted_panels(drawing: Drawing) -> list[Any]:
    """Return a chart for each panel of an arranged drawing, which is a grid of small ones."""
    facets = drawing.facets
    if facets is None:
        raise ValueError("the drawing is not arranged by factors: call arrange first")
    columns, rows = (len(facets.combinations(names)) for names in (facets.columns, facets.rows))
    sides = _sides(columns * drawing.across, rows * len(drawing.panels))
    titled = replace(drawing, panels=[_titled(part, sides[0]) for part in drawing.panels])
    ends = shared_reach(drawing)
    return [_grid(titled, facets, place, ends, sides) for place in range(len(drawing.panels))]


def usermeta(facets: Facets) -> dict[str, Any]:
    """Return what ``charts.js`` needs to arrange a figure anew: its fields, and which is where."""
    places = {field.name: place for place, field in enumerate(facets.fields)}
    fields = [
        {
            "name": field.name,
            "levels": list(field.levels),
            "colours": [look.colour for look in looks],
            "shapes": [look.shape for look in looks],
        }
        for field in facets.fields
        for looks in [field_looks(field)]
    ]
    return {
        "facets": {
            "fields": fields,
            "shapes": list(SHAPES),
            "sizes": {
                "wide": WIDE,
                "widest": PANEL[0],
                "narrowest": NARROWEST,
                "short": SHORT,
                "heights": HEIGHTS,
            },
            "colour": places[facets.colour],
            "columns": [places[name] for name in facets.columns],
            "rows": [places[name] for name in facets.rows],
        }
    }


def _grid(
    drawing: Drawing,
    facets: Facets,
    place: int,
    ends: tuple[float, float] | None,
    sides: tuple[int, int],
) -> alt.FacetChart:
    part = drawing.panels[place]
    rows = _faceted_rows(part, facets)
    columns, lines = facets.combinations(facets.columns), facets.combinations(facets.rows)
    width, height = sides
    looks = _looks(facets, max(width * len(columns) * drawing.across, 420))
    layers = [*_dashed(part), *layers_of(drawing, place, rows, looks, ends, alt.Chart())]
    return alt.layer(*layers, name=f"panel_{place}", width=width, height=height).facet(
        data=rows,
        column=alt.Column("column:N", sort=columns, header=_header(facets.columns, width)),
        row=alt.Row("row:N", sort=lines, header=_header(facets.rows, height)),
        spacing=10,
        name=f"grid_{place}",
        title=part.title,
    )


def _titled(part: Panel, width: int) -> Panel:
    """Return a panel with what goes upwards in its title, as small panels have no room for it.

    Where they are narrower than ``SHORT``, what goes along keeps its first words alone.
    """
    title = ": ".join(filter(None, (part.title, part.y.title)))
    along = re.split(",| per ", part.x.title)[0] if width < SHORT else part.x.title
    return replace(part, title=title, x=replace(part.x, title=along), y=replace(part.y, title=""))


def _faceted_rows(part: Panel, facets: Facets) -> pd.DataFrame:
    """Return the rows of a grid as they are drawn, with the columns that this module names."""
    names = [field.name for field in facets.fields]
    texts = part.rows[names].astype(str)
    texts.columns = [f"f{place}" for place in range(len(names))]
    columns = {
        "colour": part.rows[facets.colour],
        "shape": _joined(part.rows, facets.left) if facets.left else part.rows[facets.colour],
        "row": _joined(part.rows, facets.rows),
        "column": _joined(part.rows, facets.columns),
        "line": _joined(part.rows, names),
    }
    extras = [name for name in EXTRAS if name in part.rows]
    kept = part.rows[["condition", "x", "y", "low", "high", "size", "level", *extras]]
    whole = pd.concat([kept.dropna(axis="columns", how="all"), texts], axis="columns")
    for name in ("low", "high"):
        whole[name] = kept[name]
    order = facets.combinations([facets.colour])
    return drawn_rows(whole.assign(**columns), part.rows[facets.colour], order)


def _joined(rows: pd.DataFrame, names: tuple[str, ...] | list[str]) -> pd.Series[str]:
    """Return the levels of some fields as one text per row; empty where there are none."""
    if not names:
        return pd.Series("", index=rows.index)
    return rows[list(names)].astype(str).agg(", ".join, axis="columns")


def _sides(columns: int, rows: int) -> tuple[int, int]:
    """Return width and height of a small panel, of which so many stand beside one another."""
    width = min(PANEL[0], max(NARROWEST, WIDE // columns - 12))
    return width, next(height for most, height in HEIGHTS if rows <= most)


def _looks(facets: Facets, room: float) -> Looks:
    names = facets.combinations([facets.colour])
    (field,) = (field for field in facets.fields if field.name == facets.colour)
    found = field_looks(field)
    legend = legend_of(names, room, facets.colour)
    colour = alt.Color("colour:N", scale=scale_of(names, found, "colour"), legend=legend)
    shape = alt.Shape("shape:N", scale=scale_of(names, found, "shape"), legend=legend)
    if facets.left:
        left = facets.combinations(facets.left)
        looks = [SHAPES[place % len(SHAPES)] for place in range(len(left))]
        aside = {"symbolFillColor": alt.ExprRef("ink"), "padding": 8}
        legend = legend_of(left, room, ", ".join(facets.left), **aside)
        shape = alt.Shape("shape:N", scale=alt.Scale(domain=left, range=looks), legend=legend)
    told = tuple((f"f{place}", field.name) for place, field in enumerate(facets.fields))
    return Looks(colour, shape, "line", told)


def _header(names: tuple[str, ...], limit: int) -> alt.Header:
    """Return how the levels of columns or rows are written: one of several below another."""
    ink = alt.ExprRef("ink")
    return alt.Header(
        title=", ".join(names) or None,
        titleColor=ink,
        titleFontSize=11,
        titleFontWeight="normal",
        titlePadding=2,
        labelColor=ink,
        labelFontSize=11,
        labelFontWeight="bold",
        labelPadding=4,
        labelLimit=limit,
        labelExpr="split(datum.label, ', ')",
    )


def _dashed(part: Panel) -> list[alt.Chart]:
    """Return the dashed lines of each panel: at the level of each condition, and where y is x."""
    found = []
    x, y = alt.X("x:Q"), alt.Y("y:Q")
    if part.rows["level"].notna().any():
        level = alt.Y("max(level):Q", title="")  # every row of a condition has it
        found.append(alt.Chart().mark_rule(**dashed_line()).encode(y=level, detail="condition:N"))
    if part.diagonal:
        ends = alt.InlineData(values=[{"x": 0.0, "y": 0.0}, {"x": 1.0, "y": 1.0}])
        found.append(alt.Chart(ends).mark_line(**dashed_line()).encode(x=x, y=y))
    return found
