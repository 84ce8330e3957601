"""What a figure shows, before any library draws it: panels of lines with intervals."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from workbench.analysis.condition_columns import CONDITION, with_conditions
from workbench.analysis.figures.facets import Facets
from workbench.analysis.stats.bootstrap import MIN_PROBLEMS
from workbench.core.conditions import spell_condition
from workbench.metrics import METRICS
from workbench.saved_run import Run

COLUMNS = ("series", "x", "y", "low", "high", "size")
"""Of a panel's rows; ``low``, ``high`` and ``size`` are NaN where a table has none."""
EXTRAS = ("x_low", "x_high", "place", "label", "side", "at", "band")
"""Further columns that rows may have: the interval of x, the place along a joined line, what stands
beside the marker and where (``left``, ``right``), what the row is of, and whether its interval is
drawn where intervals are areas."""
BANDS = 4
"""So many areas at most lie over one another in a panel."""
WIDTH = 90
"""Characters of a line under a figure; of one of three panels, half as many again."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One axis of a panel."""

    title: str
    log: bool = False
    """Powers of two at equal distances."""
    ticks: Sequence[float] = ()
    """Where the ticks stand; empty: where they fall well."""
    names: Sequence[str] = ()
    """What stands at 0, 1, 2 …, where these are no numbers but names."""
    apart: bool = False
    """Whether lines stand a few pixels beside one another, so that their bars can be seen."""
    ends: tuple[float, float] | None = None
    """First and last value; None: as far as the rows reach."""


ACCURACY = Axis(title="accuracy")
"""The one word for it on every axis."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Panel:
    """One pair of axes and the lines on it."""

    title: str
    rows: pd.DataFrame
    """A row per point, with ``COLUMNS``."""
    x: Axis
    y: Axis
    level: float | None = None
    """A dashed line across, at this y."""
    place: float | None = None
    """A dashed line upwards, at this x."""
    diagonal: bool = False
    """A dashed line where y is x, from 0 to 1."""
    condition: str = ""
    """The condition that all of it is of; empty: the rows tell theirs in a column of that name, or
    they are of no single one."""
    outcome: str = ""
    """The title without the condition, where ``condition`` is given."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawing:
    """A figure; without panels it is only its notes, which then say why."""

    panels: Sequence[Panel] = ()
    columns: int = 0
    """Panels side by side; 0: three, or two where that makes a square."""
    same_y: bool = True
    """Whether all panels have one and the same range of y."""
    lines: str = ""
    """What the lines of a panel are, where they are no conditions: ``selection``, ``reward`` …"""
    ordered: bool = False
    """Whether the lines rise, as temperatures and sizes do: their colours then have an order."""
    bands: bool = False
    """Whether intervals are areas, not bars."""
    joined: bool = False
    """Whether lines go by the rows' ``place``, not by x."""
    scattered: bool = False
    """Whether points are not joined."""
    along: str = ""
    """The factor along which lines go, where one is."""
    facets: Facets | None = None
    """Where several factors vary: which of them make the grid of panels, and the colours."""
    colours: Mapping[str, str] = field(default_factory=dict)
    """Series -> colour, where the palette's own order is not meant."""
    size: str = ""
    """What the markers' areas count; empty, or where all count the same: all markers are alike."""
    notes: Sequence[str] = ()
    """Stand under the figure, before the signature."""
    name: str = ""
    about: str = ""
    """One sentence: what is drawn against what. A screen reader reads it aloud. Empty: the first
    line of the docstring of the function that describes the figure."""
    interval: str = ""
    """What the bars are, such as ``95% interval``; empty where the unit is not the problem."""
    signature: str = ""

    def without_blanks(self) -> Drawing:
        """Return the same without panels that have no point, and a note that names them."""
        blank = [panel.title for panel in self.panels if panel.rows.empty]
        if not blank:
            return self
        left = [panel for panel in self.panels if not panel.rows.empty]
        return replace(self, panels=left, notes=[*self.notes, f"no value of {', '.join(blank)}"])

    @property
    def series(self) -> list[str]:
        """The lines, in the order in which they first come up."""
        return list(dict.fromkeys(name for panel in self.panels for name in panel.rows["series"]))

    @property
    def same_size(self) -> float | None:
        """What all markers count, where it is one number."""
        found = {float(size) for panel in self.panels for size in panel.rows["size"].dropna()}
        return found.pop() if len(found) == 1 else None

    @property
    def across(self) -> int:
        """How many panels stand side by side; of those that are grids, fewer."""
        count = len(self.panels)
        if self.facets:
            columns = len(self.facets.combinations(self.facets.columns))
            return max(1, min(count, 3, 4 // columns))
        return self.columns or (2 if count == 4 else max(1, min(count, 3)))

    @property
    def caption(self) -> list[str]:
        """The lines under the figure, the signature last."""
        lines = list(self.notes)
        if self.interval and any(panel.rows["low"].notna().any() for panel in self.panels):
            rule = f"the problem as the unit, none below {MIN_PROBLEMS} problems"
            lines.append(f"{'bands' if self.bands else 'bars'}: {self.interval}s, {rule}")
        if self.size:
            same = self.same_size
            lines.append(
                f"area of a marker: {self.size}" if same is None else f"{self.size}: {same:,.0f}"
            )
        if self.facets and self.facets.left:
            lines.append(f"lines of one colour differ in {', '.join(self.facets.left)}")
        text = "; ".join(lines)
        width = WIDTH if self.across < 3 and self.facets is None else WIDTH * 3 // 2
        return [*textwrap.wrap(text, width), *([self.signature] if self.signature else [])]


def points(
    frame: pd.DataFrame, x: str, y: str, series: str, size: str | None = None
) -> pd.DataFrame:
    """Return the rows of one line, those without a value left out.

    Args:
        frame: a table, with intervals of ``y`` in ``y_low`` and ``y_high`` where it has them.
        x: the column along.
        y: the column upwards.
        series: what the legend calls the line.
        size: the column that the markers' areas show.
    """
    blank = pd.Series(np.nan, index=frame.index)
    low, high = (frame.get(f"{y}_{end}", blank) for end in ("low", "high"))
    columns = {"x": frame[x], "y": frame[y], "low": low, "high": high}
    rows = pd.DataFrame(columns | {"size": frame[size] if size else blank}).astype(float)
    rows.insert(0, "series", series)
    return rows.dropna(subset=["x", "y"]).sort_values("x", ignore_index=True)


def join_lines(lines: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of several lines as those of one panel."""
    filled = [line for line in lines if len(line)]
    if not filled:
        return pd.DataFrame({name: pd.Series(dtype=float) for name in COLUMNS})
    return pd.concat(filled, ignore_index=True)


def lines_by_condition(
    frame: pd.DataFrame, x: str, y: str, size: str | None = None
) -> pd.DataFrame:
    """Return the rows of a panel with a line per condition: arguments as of ``points``."""
    groups = with_conditions(frame).groupby(CONDITION, observed=True)
    return join_lines(
        points(part, x, y, spell_condition(str(at)), size).assign(condition=str(at))
        for at, part in groups
    )


def band_axis(measured: Iterable[int]) -> Axis:
    """Return an axis of k on which bands lie over one another, so that lines stand at their k."""
    return replace(sample_count_axis("k, samples in the subset", measured), apart=False)


def only_bands(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return rows of which those of some lines alone have areas, if there are too many lines.

    Args:
        rows: of a panel.
        names: the lines to have areas, or the conditions that rows with conditions are of.
    """
    if rows["series"].nunique() <= BANDS:
        return rows.assign(band=True)
    return rows.assign(band=rows.get("condition", rows["series"]).isin(names))


def panel_title(name: str) -> str:
    """Return what a panel of one condition is called: ``temperature 0.7``, or its name."""
    spelt = spell_condition(name)
    return spelt.replace("T = ", "temperature ") if spelt.startswith("T = ") else spelt


def metric_label(metric: str) -> str:
    """Return a metric's label, or its name where the plug-in that has it is not loaded."""
    return METRICS[metric].label if metric in METRICS else metric


def explain_empty(run: Run, table: str) -> Drawing:
    """Return a figure that says why there is nothing to draw, in the table's own first words."""
    return Drawing(notes=run.notes(table)[:1] or ["nothing was measured"])


def sample_count_axis(title: str, measured: Iterable[int]) -> Axis:
    """Return an axis of numbers of samples, with the measured ones as its ticks."""
    return Axis(title=title, log=True, ticks=sorted({int(k) for k in measured}), apart=True)
