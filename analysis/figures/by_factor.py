"""Figures that answer: accuracy against the temperature or another factor, against diversity."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from workbench.analysis.condition_columns import CONDITION, with_conditions
from workbench.analysis.figures.accuracies import COVERAGE, SINGLE, accuracies
from workbench.analysis.figures.drawing import (
    ACCURACY,
    COLUMNS,
    EXTRAS,
    Axis,
    Drawing,
    Panel,
    explain_empty,
    join_lines,
    metric_label,
    points,
)
from workbench.analysis.figures.facets import Field, axes_of, axis_along
from workbench.core.conditions import MIXED, TEMPERATURE, UNKNOWN, spell_condition
from workbench.metrics import METRICS
from workbench.saved_run import Run


def accuracy_by_temperature(run: Run) -> Drawing:
    """Accuracy of each selection, of a single sample and coverage against temperature, for each k.

    Where the temperature does not vary, against the first factor of numbers, or else the first.
    """
    found = accuracies(run)
    if found.empty:
        return explain_empty(run, "accuracy_by_k_temperature")
    axis = axis_along(axes_of(run.conditions))
    if axis is None:
        return one_condition(run, "accuracy_by_k has the accuracy against k")
    places, x = along(axis)
    mixed = bool((found[CONDITION] == MIXED).any())
    found = found.assign(x=found[CONDITION].astype(str).map(places)).dropna(subset="x")
    panels = [
        Panel(
            title=f"k = {k}",
            rows=join_lines(
                points(part, "x", "accuracy", str(name)).assign(condition=str(at))
                for (name, at), part in at_k.groupby(
                    ["selection", CONDITION], sort=False, observed=True
                )
            ),
            x=x,
            y=ACCURACY,
            level=_greedy(run),
        )
        for k, at_k in found[found["k"] > 1].groupby("k")
    ]
    notes = ["dashed: greedy decoding"] * any(panel.level is not None for panel in panels)
    notes += ["mixed pools are in accuracy_by_k"] * mixed
    about = f"Accuracy of each selection, of a single sample and coverage against {axis.name}."
    return Drawing(panels=panels, along=axis.name, lines="selection", notes=notes, about=about)


def accuracy_by_diversity(run: Run) -> Drawing:
    """Accuracy and coverage against the mean of each metric of diversity: a point per condition.

    At the largest k of which diversity is measured. Lines join the conditions from the least to the
    greatest level of the temperature, or of the factor that ``accuracy_by_temperature`` takes.
    """
    table, known = diversity_table(run), accuracies(run)
    if table.empty or known.empty:
        return explain_empty(run, "diversity" if table.empty else "accuracy_by_k_temperature")
    axis = axis_along(axes_of(run.conditions))
    if axis is None:
        return one_condition(run, "outcome_by_bucket has the accuracy of its subsets")
    places, x = along(axis)
    k = int(table["k"].max())
    there = [str(name) for name in dict.fromkeys(known["selection"])]
    chosen = [name for name in ("maj", "best", *there) if name in there and name != COVERAGE]
    names = [*dict.fromkeys([COVERAGE, chosen[0], SINGLE])]
    known = known[(known["k"] == k) & known["selection"].isin(names)]
    known = known.assign(condition=known[CONDITION].astype(str))
    measured = [str(name) for name in dict.fromkeys(table["metric"])]
    metrics = [name for name in measured if _is_of_diversity(name)] or measured
    panels = []
    for metric in metrics:
        part = table[(table["metric"] == metric) & (table["k"] == k)]
        both = part.merge(known, on=CONDITION, suffixes=("_", ""))
        both["place"] = both[CONDITION].map(places)
        both = both.dropna(subset="place").sort_values("place", kind="stable")
        both["at"] = both[CONDITION].map(dict(axis.of or {}))
        rows = _joined(both, names, axis, x)
        across = Axis(title=metric_label(metric))
        panels.append(Panel(title=metric, rows=rows, x=across, y=ACCURACY))
    order = "" if x.names else ", joined in order; the first and the last are named"
    notes = [f"k = {k}, a point for each {axis.name}{order}"]
    return Drawing(
        panels=panels,
        along=axis.name,
        lines="selection",
        joined=not x.names,
        scattered=bool(x.names),
        notes=notes,
    )


def along(axis: Field) -> tuple[Mapping[str, float], Axis]:
    """Return where each condition stands along a factor, and the axis of it.

    An unknown temperature stands nowhere; levels that are no numbers stand beside one another.
    """
    of = dict(axis.of or {})
    if axis.numeric or axis.name == TEMPERATURE:
        places = {name: float(level) for name, level in of.items() if level != UNKNOWN}
        return places, Axis(title=axis.name, ticks=sorted({*places.values()}), apart=True)
    order = {level: float(place) for place, level in enumerate(axis.levels)}
    return {n: order[level] for n, level in of.items()}, Axis(
        title=axis.name, names=axis.levels, apart=True
    )


def one_condition(run: Run, instead: str) -> Drawing:
    """Return a figure that says that there is no factor, and where else to look."""
    (name, *_) = [one.name for one in run.conditions if not one.greedy] or ["no condition"]
    return Drawing(notes=[f"all samples are of one condition, {spell_condition(name)}", instead])


def diversity_table(run: Run) -> pd.DataFrame:
    """Return the saved table ``diversity``, over all subsets; empty where there is none."""
    frame = run.table("diversity") if "diversity" in run.tables else pd.DataFrame()
    if frame.empty:
        return frame
    frame = with_conditions(frame[frame["rows"] == "all"])
    return frame.assign(condition=frame[CONDITION].astype(str))


def _joined(both: pd.DataFrame, names: list[str], axis: Field, x: Axis) -> pd.DataFrame:
    """Return the rows of a panel: a line for each name, its ends labelled."""
    rows = both.rename(columns={"selection": "series", "diversity": "x", "accuracy": "y"})
    rows = rows.rename(columns={f"accuracy_{end}": end for end in ("low", "high")})
    rows = rows.rename(columns={f"diversity_{end}": f"x_{end}" for end in ("low", "high")})
    rows = rows.dropna(subset=["x", "y"]).assign(size=float("nan"))
    rows["series"] = pd.Categorical(rows["series"], names)
    rows = rows.sort_values(["series", "place"], kind="stable").astype({"series": str})
    inner = rows["place"].between(rows["place"].min(), rows["place"].max(), inclusive="neither")
    short = "T = " if axis.name == TEMPERATURE else f"{axis.name} " * (not x.names)
    told = (rows["series"] == names[0]) & (~inner | bool(x.names))
    rows["label"] = (short + rows["at"]).where(told, "")
    middle = (rows["x"].min() + rows["x"].max()) / 2
    rows["side"] = np.where(rows["x"] > middle, "left", "right")
    extras = [name for name in EXTRAS if name in rows]
    return rows[[*COLUMNS, *extras, CONDITION]].reset_index(drop=True)


def _is_of_diversity(metric: str) -> bool:
    return metric not in METRICS or METRICS[metric].larger_means != "neither"


def _greedy(run: Run) -> float | None:
    """Return the accuracy of greedy decoding, where it was drawn once for all conditions."""
    frame = run.table("coverage_curve") if "coverage_curve" in run.tables else pd.DataFrame()
    names = [one.name for one in run.conditions if one.greedy]
    if frame.empty or len(names) != 1:
        return None
    found = with_conditions(frame).query("condition == @names[0] and k == 1")["pass@k"]
    return float(found.iloc[0]) if len(found) == 1 else None
