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
from workbench.saved_run import Run

COLUMNS = ("series", "x", "y", "low", "high", "size")
"""Of a panel's rows; ``low``, ``high`` and ``size`` are NaN where a table has none."""
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
    apart: bool = False
    """Whether lines stand a few pixels beside one another, so that their bars can be seen."""
    ends: tuple[float, float] | None = None
    """First and last value; None: as far as the rows reach."""


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
    along: str = ""
    """The factor that is drawn along the x axes, where one is."""
    facets: Facets | None = None
    """Where several factors vary: which of them make the grid of panels, and the colours."""
    colours: Mapping[str, str] = field(default_factory=dict)
    """Series -> colour, where the palette's own order is not meant."""
    size: str = ""
    """What the markers' areas count; empty: all markers are alike."""
    notes: Sequence[str] = ()
    """Stand under the figure, before the signature."""
    name: str = ""
    about: str = ""
    """One sentence: what is drawn against what. A screen reader reads it aloud. Empty: the first
    line of the docstring of the function that describes the figure."""
    interval: str = ""
    """What the bars are, such as ``95% interval``."""
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
        if any(panel.rows["low"].notna().any() for panel in self.panels):
            rule = f"the problem as the unit, none below {MIN_PROBLEMS} problems"
            lines.append(f"bars: {self.interval}s, {rule}")
        if self.size:
            lines.append(f"area of a marker: {self.size}")
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


def panel_title(name: str) -> str:
    """Return what a panel of one condition is called: ``temperature 0.7``, or its name."""
    spelt = spell_condition(name)
    return spelt.replace("T = ", "temperature ") if spelt.startswith("T = ") else spelt


def outcome_columns(frame: pd.DataFrame) -> list[str]:
    """Return the columns of a table that hold outcomes."""
    return [c for c in frame.columns if c.endswith("_correct") or c == "coverage"]


def explain_empty(run: Run, table: str) -> Drawing:
    """Return a figure that says why there is nothing to draw, in the table's own first words."""
    return Drawing(notes=run.notes(table)[:1] or ["nothing was measured"])


def sample_count_axis(title: str, measured: Iterable[int]) -> Axis:
    """Return an axis of numbers of samples, with the measured ones as its ticks."""
    return Axis(title=title, log=True, ticks=sorted({int(k) for k in measured}), apart=True)
