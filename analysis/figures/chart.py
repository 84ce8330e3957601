"""Drawing -> Altair chart -> PNG and SVG. The only module that imports altair and vl-convert.

One chart serves a notebook, an HTML page and the files of a run: it has no background, and all
its text has the colour of the parameter ``ink``, a grey that is legible on white and on black. A
page sets it to its own colour: ``view.signal("ink", colour).runAsync()``.

In a browser: a click on a name in the legend leaves that line alone, dragging moves the axes,
the wheel with Shift held zooms (without, it scrolls the page), a double click resets.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import vl_convert
from altair.utils.schemapi import debug_mode
from PIL import Image

from workbench.analysis.figures.drawing import Axis, Drawing, Panel
from workbench.storage.parquet import write_atomically

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
INK = "#7c7c7c"
"""4.2 to 1 against white and against #181818."""
PRINTED = "#222222"
"""The ink of saved files, which are white."""
PANEL = (250, 190)
"""Width and height of a panel, pixels."""
ALONE = (430, 270)
"""The same of the only panel of a figure."""
LETTER = 6.2
"""Width of a letter of a legend, pixels."""
SHARPNESS = 2.0
"""Pixels of a saved PNG per pixel of the chart."""


class Chart(alt.ConcatChart):
    """A chart that shows itself in a notebook without a network.

    Altair's own way fetches its scripts. JupyterLab, Notebook 7 and VS Code carry Vega-Lite 5,
    which draws these charts as well as 6 does; where there is none (nbconvert, GitHub), the PNG
    is shown. Both are on white: the background of a chart there is not the theme's.
    """

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> Any:
        """Return (data by type, metadata by type), or what a renderer of one's choice makes."""
        if alt.renderers.active != "default":
            return super()._repr_mimebundle_(*args, **kwargs)
        spec = _printed(self)
        png = _png(_svg(spec))
        width, height = (side / SHARPNESS for side in Image.open(BytesIO(png)).size)
        spec["$schema"] = "https://vega.github.io/schema/vega-lite/v5.json"
        data = {"application/vnd.vegalite.v5+json": spec, "image/png": png, "text/plain": str(self)}
        return data, {"image/png": {"width": width, "height": height}}

    def to_dict(self, validate: bool = False, **options: Any) -> dict[str, Any]:
        """Return the specification: the tests see to it that it is a valid one."""
        return super().to_dict(validate, **options)

    def __repr__(self) -> str:
        """Name the figure."""
        return f"Chart({self.name}: {self.description})"


@debug_mode(False)  # altair would validate each part, which takes as long again as drawing
def draw(drawing: Drawing) -> Chart:
    """Return the chart of a drawing."""
    drawing = drawing.without_blanks()
    under = drawing.caption
    if drawing.panels:
        panels = _panels(drawing)
    else:
        panels, under = [_text_panel(under[:-1])], under[-1:]
    title = alt.TitleParams(
        under, orient="bottom", anchor="middle", fontSize=10, fontWeight="normal", offset=14
    )
    return Chart(
        concat=panels,
        name=drawing.name,
        description=drawing.about,
        title=title,
        columns=drawing.across,
        spacing=22,
        params=[alt.VariableParameter(name="ink", value=INK), *_gestures(drawing)],
        resolve=alt.Resolve(scale=alt.ScaleResolveMap(x="independent", y="independent")),
        config=_config(),
    )


def _gestures(drawing: Drawing) -> list[alt.TopLevelSelectionParameter]:
    """Return what a click on the legend does to all panels, and a drag or the wheel to each."""
    if not drawing.panels:
        return []
    param = alt.TopLevelSelectionParameter
    names = alt.PointSelectionConfig(type="point", fields=["series"])  # heard by the first layer
    axes = alt.IntervalSelectionConfig(type="interval", zoom="wheel![event.shiftKey]")
    return [
        param(name="chosen", select=names, bind="legend", views=["lines_0"]),
        *(
            param(name=f"zoom_{i}", select=axes, bind="scales", views=[f"points_{i}"])
            for i in range(len(drawing.panels))
        ),
    ]


def save(chart: Chart, folder: Path, name: str) -> Path:
    """Write a chart as PNG and SVG, on white; return the PNG."""
    svg = _svg(_printed(chart))
    png = _png(svg)
    write_atomically(folder / f"{name}.svg", lambda part: part.write_text(svg, encoding="utf-8"))
    write_atomically(folder / f"{name}.png", lambda part: part.write_bytes(png))
    return folder / f"{name}.png"


def _printed(chart: Chart) -> dict[str, Any]:
    """Return a chart's specification in dark ink on white."""
    spec: dict[str, Any] = chart.to_dict()
    (ink,) = (param for param in spec["params"] if param["name"] == "ink")
    ink["value"] = PRINTED
    return spec | {"background": "white"}


def _svg(spec: dict[str, Any]) -> str:
    """Return a picture that nobody zooms: zooming needs clip paths, numbered anew each time."""
    still = [param for param in spec["params"] if param.get("bind") != "scales"]
    version = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])  # as vl-convert spells it
    return str(vl_convert.vegalite_to_svg(spec | {"params": still}, vl_version=version))


def _png(svg: str) -> bytes:
    packed = BytesIO()  # vl-convert packs loosely: four times the size
    loose = BytesIO(vl_convert.svg_to_png(svg, scale=SHARPNESS))
    Image.open(loose).convert("RGB").save(packed, "PNG")
    return packed.getvalue()


def _panels(drawing: Drawing) -> list[Any]:
    shown = [part.rows[["y", "low", "high"]] for part in drawing.panels]
    whole = _reach(pd.concat(shown).to_numpy()) if drawing.same_y else None
    return [_panel(drawing, place, part, whole) for place, part in enumerate(drawing.panels)]


def _panel(drawing: Drawing, place: int, part: Panel, ends: tuple[float, float] | None) -> Any:
    """Return one panel: bars, lines and markers, and its dashed lines."""
    names = drawing.series
    step = min(3.5, 22 / len(names))  # bars of several lines side by side
    bounds = part.rows[["low", "high"]].to_numpy()
    rows = part.rows.assign(
        aside=[step * (names.index(s) - (len(names) - 1) / 2) for s in part.rows["series"]],
        interval=["" if np.isnan(low) else f"[{low:.3f}, {high:.3f}]" for low, high in bounds],
    )
    aside = alt.ExprRef("datum.aside") if part.x.apart else 0
    ends = part.y.ends or ends or _reach(rows[["y", "low", "high"]].to_numpy())
    upwards = alt.Scale(domain=ends, nice=False, zero=False)
    base = alt.Chart(rows).encode(
        x=alt.X("x:Q", axis=_axis(part.x), scale=_scale(part.x, rows[["x"]].to_numpy())),
        y=alt.Y("y:Q", axis=_axis(part.y), scale=upwards),
        color=alt.Color("series:N", scale=_cycle(names, COLOURS), legend=_legend(drawing)),
        opacity=alt.condition({"param": "chosen"}, alt.value(1.0), alt.value(0.08)),
    )
    marks = base.mark_point(filled=True, size=34, opacity=1, xOffset=aside).encode(
        shape=alt.Shape("series:N", scale=_cycle(names, SHAPES), legend=_legend(drawing)),
        tooltip=_tooltip(drawing, part, rows),
    )
    if drawing.size:
        largest = max(float(p.rows["size"].max()) for p in drawing.panels)
        scale = alt.Scale(domain=[0, largest], range=[10, 160])
        marks = marks.encode(size=alt.Size("size:Q", scale=scale, legend=None))
    lines = base.mark_line(strokeWidth=1.6, xOffset=aside)
    layers = [*_dashed(part), lines.properties(name=f"lines_{place}")]
    if rows["low"].notna().any():
        bars = base.mark_rule(strokeWidth=1.2, strokeOpacity=0.45, xOffset=aside)
        low = alt.Y("low:Q", axis=_axis(part.y), scale=upwards)
        layers.append(bars.encode(y=low, y2=alt.Y2("high:Q")))
    layers.append(marks.properties(name=f"points_{place}"))
    width, height = _sides(drawing)
    return alt.layer(*layers, name=f"panel_{place}", width=width, height=height, title=part.title)


def _dashed(part: Panel) -> list[alt.Chart]:
    """Return the lines that stand for no series."""
    look: dict[str, Any] = {"strokeDash": [4, 3], "strokeWidth": 1, "color": alt.ExprRef("ink")}
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


def _text_panel(lines: list[str]) -> Any:
    """Return a panel of text, for where there is nothing to draw."""
    text = alt.Chart(alt.InlineData(values=[{}])).mark_text(
        text=lines, fontSize=13, color=alt.ExprRef("ink"), lineHeight=19
    )
    return text.properties(name="panel_0", width=560, height=110)


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
    return alt.Scale(domain=axis.ends or _reach(values), nice=False, zero=False)


def _reach(values: np.ndarray) -> tuple[float, float]:
    """Return the least and the largest value, and a little room at both ends."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    room = 0.06 * (high - low) or 0.05 * max(abs(high), 1.0)
    return low - room, high + room


def _sides(drawing: Drawing) -> tuple[int, int]:
    return ALONE if len(drawing.panels) == 1 else PANEL


def _tooltip(drawing: Drawing, part: Panel, rows: pd.DataFrame) -> list[alt.Tooltip]:
    number = ",.0f" if part.x.log or (rows["x"] % 1 == 0).all() else ",.4~g"
    found = [
        alt.Tooltip("series:N", title="line"),
        alt.Tooltip("x:Q", title=part.x.title, format=number),
        alt.Tooltip("y:Q", title=part.y.title or part.title, format=",.4~g"),
    ]
    if rows["low"].notna().any():
        found.append(alt.Tooltip("interval:N", title=drawing.interval))
    if drawing.size:
        found.append(alt.Tooltip("size:Q", title=drawing.size, format=",.0f"))
    return found


def _cycle(names: list[str], looks: tuple[str, ...]) -> alt.Scale:
    return alt.Scale(domain=names, range=[looks[i % len(looks)] for i in range(len(names))])


def _legend(drawing: Drawing) -> alt.Legend:
    """Return a legend above the panels, in as many columns as there is room for."""
    names = drawing.series
    wide = drawing.across * (_sides(drawing)[0] + 60)
    longest = max(len(name) for name in names) * LETTER + 34
    columns = max(1, min(len(names), int(wide / longest)))
    return alt.Legend(title=None, orient="top", columns=columns, symbolType="circle")


def _config() -> alt.Config:
    """Give all text the ink, axes a light grid, panels no frame and the whole no background."""
    ink, grey = alt.ExprRef("ink"), "#888888"
    lines: dict[str, Any] = dict.fromkeys(("gridColor", "domainColor", "tickColor"), grey)
    sizes: dict[str, Any] = {"labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal"}
    return alt.Config(
        background="transparent",
        axis=alt.AxisConfig(labelColor=ink, titleColor=ink, gridOpacity=0.22, **lines, **sizes),
        title=alt.TitleConfig(color=ink, fontSize=12, fontWeight="bold"),
        legend=alt.LegendConfig(labelColor=ink, labelFontSize=12, symbolSize=70, columnPadding=14),
        view=alt.ViewConfig(stroke=None),
    )
