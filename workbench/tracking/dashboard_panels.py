"""The four figures of a dashboard as panels of W&B, over all runs of a project.

Of the modules that need the slow package wandb_workspaces, with ``dashboard``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import wandb_workspaces.reports.v2.interface as wr

from workbench.core.conditions import MIXED
from workbench.tracking.dashboard_contents import ACCURACIES, ProjectContents

ACCURACY = "accuracy"
"""The word on every axis; coverage is the accuracy of whoever may pick afterwards."""
SINGLE_SAMPLE = "accuracy"
"""What the accuracy of a single sample is called in W&B, as it has no k."""
MOST_RUNS = 50


def against_factors(found: ProjectContents) -> list[Any]:
    """Return a panel per axis and k: each selection, coverage and a single sample against it."""
    return [
        _lines(
            f"accuracy at k = {k} against {axis}{_where(end)}",
            axis,
            [f"by_{axis}/{name}{_end(end)}" for name in _accuracies(found, k)],
            title_x=axis,
        )
        for axis, ends in found.axes().items()
        for k in found.sizes
        for end in ends
    ]


def diversity_against_accuracy(found: ProjectContents) -> list[Any]:
    """Return a panel per metric: a point per condition, joined along the temperature."""
    axis, ends = next(iter(found.axes().items()))
    return [
        _lines(
            f"accuracy against {metric}@{found.k}, along {axis}{_where(end)}",
            f"by_{axis}/{metric}@{found.k}{_end(end)}",
            [f"by_{axis}/{name}{_end(end)}" for name in _accuracies(found, found.k)],
            title_x=f"{metric}@{found.k}",
        )
        for metric in found.metrics
        for end in ends
    ]


def against_k(found: ProjectContents, places: Sequence[str]) -> list[Any]:
    """Return a panel for each selection and place: accuracy against k, with a line per run."""
    return [
        _lines(
            f"{name}@k" if place == "all" else f"{name}@k, {place}",
            "k",
            [f"curve/{place}/{name}@k"],
            log_x=True,
            title_x="k, samples in the subset",
        )
        for place in places
        for name in found.selections
    ]


def against_tokens(found: ProjectContents) -> list[Any]:
    """Return a panel for each selection: accuracy against tokens, with a line per condition."""
    places = [place for place in found.conditions if place != MIXED]
    return [
        _lines(
            f"{name} against tokens",
            "tokens",
            [f"by_tokens/{name}/{place}" for place in places],
            log_x=True,
            title_x="tokens drawn for a problem",
        )
        for name in found.selections
        if places
    ]


def points_of_runs(found: ProjectContents, settings: Sequence[str]) -> list[Any]:
    """Return a scatter panel for each pair of metric and accuracy, and one of all together."""
    k = found.k
    outcomes = [name for name in ACCURACIES if name in found.selections]
    names = [f"{name}@{k}" for name in (*found.metrics, *outcomes)]
    axes = [wr.Config(name) for name in settings] + [wr.SummaryMetric(name) for name in names]
    scatter = [
        wr.ScatterPlot(
            title=f"{outcome}@{k} against {metric}@{k}",
            x=wr.SummaryMetric(f"{metric}@{k}"),
            y=wr.SummaryMetric(f"{outcome}@{k}"),
        )
        for metric in found.metrics
        for outcome in outcomes
    ]
    together = wr.ParallelCoordinatesPlot(
        title=f"Settings, diversity and accuracy at k = {k}",
        columns=[wr.ParallelCoordinatesPlotColumn(metric=axis) for axis in axes],
    )
    return [*scatter, together]


def _accuracies(found: ProjectContents, k: int) -> list[str]:
    return [*(f"{name}@{k}" for name in found.selections), SINGLE_SAMPLE]


def _lines(title: str, x: str, y: Sequence[str], **more: Any) -> Any:
    return wr.LinePlot(
        title=title, x=x, y=list(y), title_y=ACCURACY, max_runs_to_show=MOST_RUNS, **more
    )


def _end(line: str) -> str:
    return f"/{line}" if line else ""


def _where(line: str) -> str:
    return f", {line}" if line else ""
