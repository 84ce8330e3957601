"""Drawing -> Altair chart -> PNG and SVG: what is around the panels, and the files.

The panels are made in ``panel_marks.py``, and where several factors vary in ``faceted_panels.py``;
these three alone import altair, and this one vl-convert.

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
import vl_convert
from altair.utils.schemapi import debug_mode
from PIL import Image

from workbench.analysis.figures.drawing import Drawing
from workbench.analysis.figures.faceted_panels import faceted_panels, usermeta
from workbench.analysis.figures.panel_marks import panels_of
from workbench.storage.parquet import write_atomically

INK = "#7c7c7c"
"""4.2 to 1 against white and against #181818."""
PRINTED = "#222222"
"""The ink of saved files, which are white."""
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
        panels = faceted_panels(drawing) if drawing.facets else panels_of(drawing)
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
        usermeta=usermeta(drawing.facets) if drawing.facets and drawing.panels else alt.Undefined,
        resolve=alt.Resolve(scale=alt.ScaleResolveMap(x="independent", y="independent")),
        config=_config(titled=drawing.facets is not None),
    )


def _gestures(drawing: Drawing) -> list[alt.TopLevelSelectionParameter]:
    """Return what a click on the legend does to all panels, and a drag or the wheel to each."""
    if not drawing.panels:
        return []
    param = alt.TopLevelSelectionParameter
    told = "colour" if drawing.facets else "series"
    names = alt.PointSelectionConfig(type="point", fields=[told])  # heard by the first layer
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
    flat = Image.open(loose).convert("RGB").quantize(256)  # a third of the size, looks the same
    flat.save(packed, "PNG", optimize=True)
    return packed.getvalue()


def _text_panel(lines: list[str]) -> Any:
    """Return a panel of text, for where there is nothing to draw."""
    text = alt.Chart(alt.InlineData(values=[{}])).mark_text(
        text=lines, fontSize=13, color=alt.ExprRef("ink"), lineHeight=19
    )
    return text.properties(name="panel_0", width=560, height=110)


def _config(titled: bool) -> alt.Config:
    """Give all text the ink, axes a light grid, panels no frame and the whole no background."""
    title: dict[str, Any] = {"titleColor": alt.ExprRef("ink"), "titleFontSize": 11}
    ink, grey = alt.ExprRef("ink"), "#888888"
    lines: dict[str, Any] = dict.fromkeys(("gridColor", "domainColor", "tickColor"), grey)
    sizes: dict[str, Any] = {"labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal"}
    return alt.Config(
        background="transparent",
        axis=alt.AxisConfig(labelColor=ink, titleColor=ink, gridOpacity=0.22, **lines, **sizes),
        title=alt.TitleConfig(color=ink, fontSize=12, fontWeight="bold"),
        legend=alt.LegendConfig(
            labelColor=ink,
            labelFontSize=12,
            symbolSize=70,
            columnPadding=14,
            **(title if titled else {}),
        ),
        view=alt.ViewConfig(stroke=None),
    )
