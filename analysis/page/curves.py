"""Charts of several runs: their curves over each other, and the differences between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import altair as alt
import numpy as np
import pandas as pd

from workbench.run import Run
from workbench.signature import spell_temperature

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
"""Okabe & Ito's, told apart by colour-blind readers; black, unseen in the dark, is left out."""
PANEL = 250
"""Width of a panel, pixels: one fits a phone."""


def overlaid(runs: Sequence[Run], names: Sequence[str], table: str, outcomes: Sequence[str]) -> Any:
    """Draw accuracy against k: colour says the run, or the temperature where there is one run.

    Args:
        runs: analysed runs; one without the table is left out.
        names: what they are called.
        table: a saved table with columns ``temperature``, ``k`` and the outcomes.
        outcomes: columns to draw, a panel each, where any run has them.

    Raises:
        ValueError: no run has any of it.
    """
    parts = []
    for run, name in zip(runs, names, strict=True):
        if table not in run.tables or (frame := run.table(table)).empty:
            continue
        if "pool" in frame:
            frame = frame[frame["pool"] != "mixed"]
        for outcome in outcomes:
            if outcome in frame:
                ends = {f"{outcome}_low": "low", f"{outcome}_high": "high", outcome: "accuracy"}
                part = frame[["temperature", "k", *ends]].rename(columns=ends)
                parts.append(part.assign(run=name, outcome=outcome.removesuffix("_correct")))
    if not parts:
        raise ValueError(f"no run has the table {table}; run `workbench analyze` on them")
    rows = pd.concat(parts, ignore_index=True)
    rows["T"] = [f"T = {spell_temperature(value)}" for value in rows.pop("temperature")]
    several = rows.groupby(["run", "T", "outcome"])["k"].transform("size") > 1
    rows = rows[several] if several.any() else rows  # one greedy sample has no curve
    first, second = ("run", "T") if len(runs) > 1 else ("T", "run")
    return _panels(rows, "outcome", "accuracy", first, second if rows[second].nunique() > 1 else "")


def gaps(frame: pd.DataFrame) -> Any:
    """Draw the paired differences of the table ``curves`` with their bands, a panel a selection.

    Raises:
        ValueError: the table is empty.
    """
    if frame.empty:
        raise ValueError("no two conditions with a curve over k in common")
    rows = frame.rename(columns={"difference_low": "low", "difference_high": "high"})
    spelt = [f"T = {spell_temperature(cast(float, value))}" for value in rows["temperature"]]
    if "run" in rows:
        rows["pair"] = [f"{run} less {other}" for run, other in rows[["run", "against"]].to_numpy()]
        rows["T"] = spelt
        first, second = ("pair", "T") if rows["pair"].nunique() > 1 else ("T", "pair")
    else:
        pairs = zip(spelt, rows["against"], strict=True)
        rows["pair"] = [f"{hot} less {cold.removeprefix('T = ')}" for hot, cold in pairs]
        first, second = "pair", ""
    if second and rows[second].nunique() < 2:
        second = ""
    kept = ["k", "difference", "low", "high", "selection", first, *([second] if second else [])]
    return _panels(rows[kept], "selection", "difference", first, second, zero=True)


def _panels(
    rows: pd.DataFrame, panel: str, value: str, colour: str, dash: str, *, zero: bool = False
) -> Any:
    """Return lines with their bands against k, a panel for each value of ``panel``."""
    names = list(dict.fromkeys(rows[colour]))
    shades = [PALETTE[place % len(PALETTE)] for place in range(len(names))]
    chosen = alt.selection_point(name="chosen", fields=[colour], bind="legend")
    sizes = alt.Axis(values=sorted(rows["k"].unique().tolist()), format="d")
    base = alt.Chart().encode(
        x=alt.X("k:Q", title="k, samples in the subset", axis=sizes).scale(type="log", base=2),
        color=alt.Color(f"{colour}:N", title=None)
        .scale(domain=names, range=shades)
        .legend(
            orient="top",
            columns=3,
            symbolType="stroke",
            symbolStrokeWidth=3,
            symbolOpacity=1,
            labelLimit=260,
        ),
        opacity=alt.condition(chosen, alt.value(1), alt.value(0.12)),
    )
    told = [colour, *([dash] if dash else []), "k", value, "low", "high"]
    # a band of [-1, 1], of which nothing is known, would press all others together
    ends = rows[["low", "high"]].abs().where(lambda end: end < 1).max().max()
    reach = float(np.nanmax([ends, rows[value].abs().max()]))
    scale = alt.Scale(domain=[-1.05 * reach, 1.05 * reach]) if zero else alt.Scale(zero=True)
    line = base.mark_line(clip=True, point=alt.OverlayMarkDef(size=28)).encode(
        y=alt.Y(f"{value}:Q", title=value, scale=scale),
        tooltip=[alt.Tooltip(name, format=".3f") if name in (value, "low", "high") else name
                 for name in told],
    )  # fmt: skip
    band = base.mark_area(clip=True).encode(
        y="low:Q", y2="high:Q", opacity=alt.condition(chosen, alt.value(0.14), alt.value(0)),
        detail=[dash] if dash else [],
    )  # fmt: skip
    if dash:
        line = line.encode(strokeDash=alt.StrokeDash(f"{dash}:N", title=None)
                           .legend(orient="top", columns=4, symbolStrokeWidth=2))  # fmt: skip
    layers = [band, line.add_params(chosen)]
    if zero:
        layers.insert(0, alt.Chart().mark_rule(strokeDash=[2, 3]).encode(y=alt.datum(0)))
    panels = list(dict.fromkeys(rows[panel]))
    facet = alt.Facet(f"{panel}:N", title=None, sort=panels).header(labelFontWeight=600)
    return alt.layer(*layers, data=rows).properties(width=PANEL, height=200).facet(facet, columns=3)
