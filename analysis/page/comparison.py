"""``workbench compare --html``: several runs side by side, or one run's conditions, as a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from workbench.analysis.compare.runs import compare
from workbench.analysis.compare.settings import differing_settings, names_of
from workbench.analysis.compare.summary import finding, is_significant, judged_rows, labels_of
from workbench.analysis.figures.chart import draw
from workbench.analysis.frames import Table
from workbench.analysis.known_outcomes import DRAWN
from workbench.analysis.page import curves
from workbench.analysis.page.flipped import flipped
from workbench.analysis.page.headline import Headline, Tile, change_tile
from workbench.analysis.page.html import Page, PageFigure, write
from workbench.analysis.page.report import notices, page_figure
from workbench.analysis.page.tables import page_table, why_missing
from workbench.core.table_text import ALPHA
from workbench.saved_run import Run

SUMMARIES = {
    "settings": "The settings and circumstances in which the runs differ.",
    "problems": "The problems that the runs share: only these are compared.",
    "differences": "Each run less the first, problem by problem, with what the difference is "
    "worth.",
    "temperatures": "Each temperature less every lower one, problem by problem.",
    "conditions": "Each condition less every earlier one that differs in one factor alone, problem "
    "by problem.",
    "flips": "The problems whose majority changed most, with coverage and the share right.",
    "selections": "Each selection less a single sample and less the majority, problem by problem.",
    "rewards": "The same selection by two rewards, problem by problem.",
    "crossings": "The k at which one curve is shown to rise above or fall below the other.",
    "curves": "Exact accuracies as curves over k, with bands that hold at all k at once.",
}
"""What each table says, in the order of the page."""
MOST = 4
"""Differences that the opening sentence names."""


def write_comparison(
    runs: Sequence[Run | str | Path], out: Path, k: Sequence[int] = ()
) -> dict[str, Table]:
    """Write the page of a comparison; return its tables.

    Raises:
        ValueError: a folder is not a run, or the runs cannot be compared: see ``compare``.
    """
    opened = [run if isinstance(run, Run) else Run(run) for run in runs]
    names = names_of(opened)
    reasons = [(name, _why_not_ready(run)) for name, run in zip(names, opened, strict=True)]
    unready = [f"{name}: {why}" for name, why in reasons if why]
    if unready:
        tables = {"settings": differing_settings(opened, names)} if len(opened) > 1 else {}
        top = Headline(f"Nothing can be compared. {'; '.join(unready)}.")
    else:
        tables = compare(opened, k)
        top = opening(tables, opened[0].experiment.analysis.confidence)
        if "settings" in tables:
            top = replace(
                top, table=page_table("settings", SUMMARIES["settings"], tables["settings"])
            )
    write(_page(opened, names, tables, top), out)
    return tables


def _why_not_ready(run: Run) -> str:
    """Say why a run has nothing to be compared; "" where it has."""
    for made in ("scores", "subsets", "expectations"):
        if not list((run.root / made).glob("block-*.parquet")):
            return why_missing(run)
    pools = run.expectations
    if pools.empty:
        return f"no pool of {min(run.experiment.measure.k)} samples yet"
    known = (pools["num_unknown"] < pools["n"]).any()
    return "" if known else "no sample's correctness is known"


def _page(
    runs: Sequence[Run], names: Sequence[str], tables: dict[str, Table], top: Headline
) -> Page:
    shown = [
        page_table(name, summary, tables[name], folded=name in ("crossings", "curves"))
        for name, summary in SUMMARIES.items()
        if name in tables and not (name == "settings" and top.table and top.table.count)
    ]
    flips, explorer = flipped(runs, names, tables["flips"]) if "flips" in tables else ([], None)
    several = len(runs) > 1
    named = list(zip(names, runs, strict=True))
    rows = [{"run": n, "folder": str(run.root), "signature": run.signature} for n, run in named]
    return Page(
        title=" · ".join(names),
        kind="Comparison of runs" if several else "Comparison in a run",
        signatures=[run.signature for run in runs],
        notices=[f"{name}: {notice}" for name, run in named for notice in notices(run)],
        headline=top,
        figures=_figures(runs, names, tables),
        tables=shown,
        flips=flips,
        explorer=explorer,
        about=[page_table("runs", "The runs of this page.", Table(pd.DataFrame(rows)))],
        settings={
            name: run.folder.experiment_path.read_text(encoding="utf-8") for name, run in named
        },
    )


def _figures(
    runs: Sequence[Run], names: Sequence[str], tables: dict[str, Table]
) -> list[PageFigure]:
    names_of_all = [f"{name}_correct" for name in runs[0].experiment.selection.aggregators]
    columns = [name for one in names_of_all for name in (one, f"{DRAWN}{one}")]
    found = {
        "overlaid_curves": (
            "Exact accuracies against k.",
            curves.overlaid(runs, names, "coverage_curve", ["pass@k", "maj@k", "best@k"]),
        ),
        "paired_differences": (
            "Paired differences against k, with bars that hold at all k at once.",
            curves.gaps(tables["curves"].frame if "curves" in tables else pd.DataFrame()),
        ),
        "overlaid_accuracies": (
            "Accuracy of each selection against k.",
            curves.overlaid(runs, names, "accuracy_by_k_temperature", [*columns, "coverage"]),
        ),
    }
    interval = f"{100 * runs[0].experiment.analysis.confidence:g}% interval"
    figures = []
    for name, (summary, drawing) in found.items():
        drawing = replace(drawing, name=name, about=summary, interval=interval)
        spec = draw(replace(drawing, signature=" · ".join(names))).to_dict()
        figures.append(page_figure(name, summary, spec))
    return figures


def opening(tables: Mapping[str, Table], confidence: float) -> Headline:
    """Return how many differences are shown at the largest k, and the largest of them."""
    rows, tested = judged_rows(tables)
    shown = sorted(
        (row for row in rows.to_dict("records") if is_significant(row)),
        key=lambda row: -abs(row["difference"]),
    )
    if not shown:
        return Headline(finding(rows))
    largest = f" These are the {MOST} largest." if len(shown) > MOST else ""
    note = (
        f"Against → of, means of the same problems, and their difference; [low, high]: "
        f"{confidence:.0%} intervals, the problem as the unit; * shown: the interval leaves out 0 "
        f"and q < {ALPHA:g}, corrected over the {tested} rows of the table (Benjamini-Hochberg)"
    )
    return Headline(f"{finding(rows)}{largest}", [_tile(row) for row in shown[:MOST]], (note,))


def _tile(row: Mapping[Any, Any]) -> Tile:
    who, number = labels_of(row)
    return change_tile(f"{number}, {who} against {row['against']}", row)
