"""FIGURES: charts of saved tables. What a figure shows is in the tables; nothing is computed here.

May import the tables, of which it reads what is saved. Start reading in ``drawing.py``, which says
in which terms a figure is described; ``by_factor.py``, ``accuracy.py``, ``measures.py``,
``rewards.py`` and ``turns.py`` describe figures, ``accuracies.py`` has the numbers of the first
two, ``colours.py`` says how lines look, and ``chart.py`` draws them. A new figure is a function
``Run -> Drawing`` and a line of ``FIGURES``; its docstring's first line is what is read out of it.
In a notebook ``run.plot.accuracy_by_k()`` and the like return charts.

Where several factors vary, ``arrange.py`` lays each figure out as a grid of panels, by what
``facets.py`` finds, and ``faceted_panels.py`` draws it. Which factor makes what may be chosen,
here and on the page:
``run.plot.coverage_curve(colour="min_p", columns="temperature", rows="prompt")``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MethodType
from typing import TYPE_CHECKING, Any

import pandas as pd

from workbench.analysis.figures import (
    accuracy,
    by_factor,
    correction,
    measures,
    rewards,
    turns,
)
from workbench.analysis.figures.arrange import arrange
from workbench.analysis.figures.drawing import Drawing
from workbench.core.name_table import NameTable
from workbench.saved_run import Run

if TYPE_CHECKING:
    from workbench.analysis.figures.chart import Chart


def figure_of(describe: Callable[[Run], Drawing]) -> Callable[..., Chart]:
    """Return a function that draws for a run the figure that ``describe`` describes.

    Of a run in which several factors vary it takes those that ``arrange`` names.
    """

    def figure(
        run: Run, colour: str | None = None, columns: str | None = None, rows: str | None = None
    ) -> Chart:
        described = describe(run)
        drawing = replace(
            arrange(described, run.conditions, colour, columns, rows),
            name=describe.__name__,
            about=described.about or (describe.__doc__ or "").partition("\n")[0],
            interval=f"{100 * run.experiment.analysis.confidence:g}% interval",
            signature=run.signature,
        )
        return _chart(drawing)

    figure.__name__, figure.__doc__ = describe.__name__, describe.__doc__
    return figure


FIGURES = NameTable(
    "figure",
    {
        describe.__name__: figure_of(describe)
        for describe in (
            by_factor.accuracy_by_temperature,
            by_factor.accuracy_by_diversity,
            accuracy.accuracy_by_k,
            accuracy.accuracy_by_tokens,
            accuracy.coverage_curve,
            measures.diversity_by_temperature,
            measures.outcome_by_bucket,
            accuracy.accuracy_by_m,
            rewards.best_by_reward,
            rewards.reliability,
            turns.edit_distance,
            turns.turn_flow,
        )
    },
)


def training_curves(curves: pd.DataFrame, best: int, signature: str) -> Chart:
    """Draw loss and accuracy of a reward model's training, and the step that was kept.

    Args:
        curves: a row per ``step``: ``loss``, ``accuracy``, and the same with ``validation_``.
        best: the step that was kept.
        signature: stands under the figure.
    """
    about = (rewards.training.__doc__ or "").partition("\n")[0]
    drawn = rewards.training(curves, best)
    return _chart(replace(drawn, name="training", about=about, signature=signature))


def correction_curves(curves: pd.DataFrame, steps_1: int, signature: str) -> Chart:
    """Draw the curves of a training that teaches a model to correct itself.

    Args:
        curves: a row per update, with the columns of ``correction.PANELS``.
        steps_1: updates of Stage I.
        signature: stands under the figure.
    """
    about = (correction.training_of_correction.__doc__ or "").partition("\n")[0]
    drawn = correction.training_of_correction(curves, steps_1)
    return _chart(replace(drawn, name="training", about=about, signature=signature))


def save(chart: Chart, folder: Path, name: str) -> Path:
    """Write a chart as PNG and SVG; return the PNG."""
    from workbench.analysis.figures import chart as charts

    return charts.save(chart, folder, name)


def _chart(drawing: Drawing) -> Chart:
    from workbench.analysis.figures.chart import draw  # importing altair takes most of a second

    return draw(drawing)


class Plots:
    """``run.plot``: every figure of the report, by name."""

    def __init__(self, run: Run) -> None:
        """Draw from ``run``."""
        self.run = run

    def __dir__(self) -> list[str]:
        """List the figures."""
        return list(FIGURES)

    def __getattr__(self, name: str) -> Any:
        """Return a function that draws the named figure."""
        if name not in FIGURES:
            raise AttributeError(f"no figure {name!r} (known: {', '.join(FIGURES)})")
        return MethodType(FIGURES[name], self.run)

    def __repr__(self) -> str:
        """List the figures."""
        return f"figures of {self.run.root}: {', '.join(FIGURES)}"
