"""``workbench report``: one run as a page, finished or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.doubts import doubts_of
from workbench.analysis.figures import FIGURES
from workbench.analysis.frames import Table
from workbench.analysis.page.explorer import Explorer, explore
from workbench.analysis.page.headline import Headline, headline
from workbench.analysis.page.html import Page, PageFigure, write
from workbench.analysis.page.tables import (
    PageTable,
    is_of_nothing,
    page_table,
    saved_tables,
    why_missing,
)
from workbench.core.types import STAGES
from workbench.saved_run import Run

OPEN = (
    "accuracy_by_temperature",
    "accuracy_by_diversity",
    "accuracy_by_k",
    "accuracy_by_tokens",
    "diversity_by_temperature",
    "outcome_by_bucket",
)
"""Figures that are not folded when the page opens: what is looked at first."""


def write_report(run: Run | str | Path, out: Path | None = None) -> Path:
    """Write the page of a run; return where it is.

    Args:
        run: a run, however far it has come, or its folder.
        out: the file; ``report.html`` in the run's folder by default.

    Raises:
        ValueError: the folder is not a run.
    """
    opened = run if isinstance(run, Run) else Run(run)
    place = out or opened.root / "report.html"
    write(report(opened), place)
    return place


def report(run: Run) -> Page:
    """Return all that can be shown of a run; what cannot is said in its place."""
    explorer = explore(run, np.random.default_rng(run.experiment.analysis.seed))
    return Page(
        title=run.experiment.name,
        kind="Report of a run",
        signatures=[run.signature],
        doubts=doubts_of(run),
        notices=list(notices(run)),
        headline=_opening(run, explorer),
        figures=page_figures(run),
        tables=saved_tables(run),
        explorer=explorer,
        about=[sample_table(explorer), stage_table(run)],
        settings={run.experiment.name: run.folder.experiment_path.read_text(encoding="utf-8")},
        first_prompt=run.first_prompt,
    )


def _opening(run: Run, explorer: Explorer) -> Headline:
    """Return the headline; of a run that is not ready for one, why, and what samples there are."""
    why = why_missing(run)
    if "coverage_curve" in run.tables:
        try:
            return headline(run)
        except (ValueError, KeyError) as fault:
            why = str(fault)
    table = sample_table(explorer) if len(explorer.facts) else None
    return Headline(f"No headline figures: {why}.", table=table)


def page_figures(run: Run) -> list[PageFigure]:
    """Return every figure of the run, or why there is none."""
    found = []
    for name, draw in FIGURES.items():
        if is_of_nothing(run, name):
            continue
        summary = (draw.__doc__ or "").split("\n")[0]
        try:
            spec = draw(run).to_dict()
            drawing = page_figure(name, str(spec.get("description", summary)), spec)
            found.append(replace(drawing, folded=name not in OPEN))
        except (ValueError, KeyError) as fault:
            why = str(fault) if run.tables else why_missing(run)
            found.append(PageFigure(name, summary, None, why))
    for name in run.added_by_plugins("figure"):
        if name not in FIGURES:
            why = f"a figure of a plug-in that is not loaded here; see figures/{name}.svg"
            found.append(PageFigure(name, "", None, why))
    return found


def page_figure(name: str, summary: str, spec: dict[str, Any]) -> PageFigure:
    """Return a chart; one that is only text, as there is nothing to draw, as that text."""
    mark = spec["concat"][0].get("mark")
    if isinstance(mark, dict) and mark["type"] == "text":
        return PageFigure(name, summary, None, " ".join(mark["text"]))
    return PageFigure(name, summary, spec)


def notices(run: Run) -> Iterator[str]:
    """Yield what is unfinished or out of date."""
    recorded: dict[str, dict[str, Any]] = run.manifest.get("stages", {})
    for name in STAGES:
        status = recorded.get(name, {}).get("status")
        if status in ("running", "interrupted"):
            yield (
                f"{name} did not come to its end ({status}): what it made so far is shown; "
                f"`workbench {name} {run.root}` goes on"
            )
    analysis = recorded.get("analyze", {})
    analysed = analysis.get("checked", analysis.get("started", ""))
    later = [n for n in STAGES[:3] if recorded.get(n, {}).get("started", "") > analysed]
    if run.tables and later:
        yield (
            f"tables and figures are older than what `{later[-1]}` made since: run `workbench "
            f"analyze {run.root}`"
        )


def sample_table(explorer: Explorer) -> PageTable:
    """Return what samples there are, by condition."""
    notes = ("right, wrong, unknown: correctness of samples",)
    return page_table(
        "samples", "The samples on the disk, by condition.", Table(explorer.facts, notes)
    )


def stage_table(run: Run) -> PageTable:
    """Return how each stage went."""
    recorded: dict[str, dict[str, Any]] = run.manifest.get("stages", {})
    rows = []
    for name in STAGES:
        if entry := recorded.get(name, {}):
            row = {"stage": name} | {key: entry.get(key, "-") for key in ("status", "started")}
            row["seconds"] = float(entry.get("seconds", np.nan))
            rows.append(row | {"interruptions": str(entry.get("interruptions", "-"))})
    return page_table("stages", "The stages of the run.", Table(pd.DataFrame(rows)))
