"""FIGURES: DataFrames -> pictures. Draws what the tables hold, computes nothing.

``run.plot.accuracy_by_k()`` and the like return matplotlib figures, for notebooks.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, ScalarFormatter

from analysis.accuracy import MIXED
from workbench.metrics import METRICS
from workbench.prune import EVERYTHING
from workbench.run import ACCESSORS, Run
from workbench.signature import spell_temperature

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
"""Okabe & Ito's palette, told apart by colour-blind readers."""
MARKERS = "osD^vP*X"
PRUNED = ("coverage", "maj", "best")
"""What the figure of pruning shows: what the kept samples hold, and what is made of it."""


def accuracy_by_k(run: Run) -> Figure:
    """Draw accuracy of each selection, coverage and a single sample against k, per temperature."""
    frame = run.table("accuracy_by_k_temperature")
    if frame.empty:
        return _nothing(run, "accuracy_by_k_temperature")
    names = [*_outcomes(frame), "single_sample"]
    pool = frame["pool"] if "pool" in frame else pd.Series("", index=frame.index)
    parts = list(frame.groupby([pool.eq(MIXED).rename("mixed"), "temperature"], dropna=False))
    figure, axes = _panels(len(parts), "k, samples in the subset", "share of problems right")
    for axis, ((mixed, temperature), part) in zip(axes, parts, strict=True):
        for place, name in enumerate(names):
            _line(axis, part, "k", name, place, nudge=2 ** (0.06 * (place - len(names) / 2)))
        _log_k(axis, sorted(frame["k"].unique()))
        known = f"temperature {spell_temperature(cast(float, temperature))}"
        axis.set_title("temperatures mixed" if mixed else known)
    _legend(figure, axes[0])
    return _signed(figure, run)


def accuracy_by_tokens(run: Run) -> Figure:
    """Draw accuracy of each selection and coverage against tokens spent, per temperature."""
    frame = run.table("budget")
    if frame.empty:
        return _nothing(run, "budget")
    names = _outcomes(frame)
    figure, axes = _panels(len(names), "tokens per problem", "share of problems right")
    for axis, name in zip(axes, names, strict=True):
        for place, (temperature, part) in enumerate(frame.groupby("temperature", dropna=False)):
            label = f"T = {spell_temperature(cast(float, temperature))}"
            _line(axis, part, "tokens", name, place, label)
        axis.set_xscale("log", base=2)
        axis.xaxis.set_major_formatter(ScalarFormatter())
        axis.set_title(name.removesuffix("_correct"))
    _legend(figure, axes[0])
    return _signed(figure, run)


def accuracy_by_m(run: Run) -> Figure:
    """Draw accuracy of the kept samples against m: a line per method, a row per temperature."""
    frame = run.table("pruning")
    if frame.empty or (frame["method"] == EVERYTHING).all():
        return _nothing(run, "pruning")
    names = [name for name in PRUNED if (frame["selection"] == name).any()]
    methods = list(dict.fromkeys(frame.loc[frame["method"] != EVERYTHING, "method"]))
    parts = [
        (temperature, name, part[part["selection"] == name])
        for temperature, part in frame.groupby("temperature", dropna=False)
        for name in names
    ]
    figure, axes = _panels(len(parts), "m, samples kept", "share of problems right")
    for axis, (temperature, name, part) in zip(axes, parts, strict=True):
        for place, method in enumerate(methods):
            nudge = 2 ** (0.06 * (place - len(methods) / 2))
            line = part[part["method"] == method]
            _line(axis, line, "m", "accuracy", place, method, nudge=nudge)
        whole = part[part["method"] == EVERYTHING]
        for value in whole["accuracy"]:
            axis.axhline(value, color="black", linewidth=0.8, linestyle="--", label=EVERYTHING)
        _log_k(axis, sorted(part["m"].unique()))
        axis.set_title(f"{name}, T = {spell_temperature(cast(float, temperature))}")
    _legend(figure, axes[0])
    return _signed(figure, run)


def coverage_curve(run: Run) -> Figure:
    """Draw the exact pass@k, maj@k and best@k against k, per temperature."""
    frame = run.table("coverage_curve")
    if frame.empty:
        return _nothing(run, "coverage_curve")
    largest = frame.groupby("temperature", dropna=False)["k"].transform("max")
    if (largest > 1).any():
        frame = frame[largest > 1]  # one greedy sample has no curve
    names = [c for c in frame.columns if c.endswith("@k")]
    figure, axes = _panels(len(names), "k, samples in the subset", "expected accuracy")
    for axis, name in zip(axes, names, strict=True):
        parts = list(frame.groupby("temperature", dropna=False))
        step = min(0.08, 0.5 / len(parts))
        for place, (temperature, part) in enumerate(parts):
            label = f"T = {spell_temperature(cast(float, temperature))}"
            nudge = 2 ** (step * (place - (len(parts) - 1) / 2))
            _line(axis, part, "k", name, place, label, nudge=nudge)
        _log_k(axis, sorted(frame["k"].unique()))
        axis.set_title(name)
    _legend(figure, axes[0])
    return _signed(figure, run)


def diversity_by_temperature(run: Run) -> Figure:
    """Draw each metric's mean over subsets against temperature, one line per k.

    Where no temperature is known, against k; among known ones an unknown one is left aside.
    """
    frame = run.frame("subsets", without=("members",))
    metrics = [name for name in run.experiment.measure.metrics if name in frame]
    if not metrics:
        return _nothing(run, "diversity_by_temperature")
    known = sorted(frame["temperature"].dropna().unique())
    figure, axes = _panels(
        len(metrics), "temperature" if known else "k (temperature unknown)", "", shared=False
    )
    for axis, metric in zip(axes, metrics, strict=True):
        means = frame.groupby(["k", "temperature"], dropna=False)[metric].mean().reset_index()
        if known:
            for place, (k, part) in enumerate(means.groupby("k")):
                at_known = part.dropna(subset="temperature")
                _line(axis, at_known, "temperature", metric, place, f"k = {k}")
            axis.set_xticks(known)
        else:
            _line(axis, means, "k", metric, 0, "mean over subsets")
            _log_k(axis, sorted(means["k"]))
        axis.set_title(METRICS[metric].label)
    _legend(figure, axes[0])
    return _signed(figure, run)


def outcome_by_bucket(run: Run) -> Figure:
    """Draw each outcome against each metric, in buckets, at the largest k."""
    frame = run.table("bucket")
    if frame.empty:
        return _nothing(run, "bucket")
    frame = frame[(frame["k"] == frame["k"].max()) & (frame["rows"] == "all")]
    metrics = list(dict.fromkeys(frame["metric"]))
    figure, axes = _panels(len(metrics), "", "mean outcome")
    for axis, metric in zip(axes, metrics, strict=True):
        part = frame[frame["metric"] == metric]
        for place, name in enumerate(_outcomes(frame)):
            _line(axis, part, "mean", name, place, sizes=part["count"])
        axis.set_xlabel(METRICS[metric].label)
        axis.set_title(f"{metric}, k = {frame['k'].max()}")
    _legend(figure, axes[0])
    return _signed(figure, run)


def training_curves(curves: pd.DataFrame, best: int, signature: str) -> Figure:
    """Draw loss and accuracy of a reward model's training, and the step that was kept.

    Args:
        curves: a row per ``step``: ``loss``, ``accuracy``, and the same with ``validation_``.
        best: the step that was kept.
        signature: stands under the figure.
    """
    figure, axes = _panels(2, "step", "", shared=False)
    for axis, name in zip(axes, ("loss", "accuracy"), strict=True):
        for place, (column, label) in enumerate(
            {name: "train", f"validation_{name}": "validation"}.items()
        ):
            _line(axis, curves.dropna(subset=column), "step", column, place, label)
        axis.axvline(best, color="black", linewidth=0.8, linestyle="--", label="kept")
        axis.set_title("loss [nats]" if name == "loss" else name)
    _legend(figure, axes[0])
    figure.supxlabel(signature, fontsize=7, color="#666666")
    return figure


FIGURES: dict[str, Callable[[Run], Figure]] = {
    "accuracy_by_k": accuracy_by_k,
    "accuracy_by_tokens": accuracy_by_tokens,
    "accuracy_by_m": accuracy_by_m,
    "coverage_curve": coverage_curve,
    "diversity_by_temperature": diversity_by_temperature,
    "outcome_by_bucket": outcome_by_bucket,
}


def save(figure: Figure, folder: Path, name: str) -> Path:
    """Write a figure as PNG and SVG; return the PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{name}.png", dpi=110)
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):  # small, and always the same
        figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    return folder / f"{name}.png"


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
        return lambda: FIGURES[name](self.run)


ACCESSORS["plot"] = Plots


def _nothing(run: Run, name: str) -> Figure:
    """Return a figure that says why there is nothing to draw."""
    notes = (run.root / "tables" / f"{name}.md") if name in run.tables else None
    lines = notes.read_text(encoding="utf-8").splitlines() if notes else []
    why = next((line.removeprefix("- ") for line in lines if line.startswith("- ")), "")
    figure = Figure(figsize=(6.0, 2.0), layout="constrained")
    figure.text(0.5, 0.5, why or "nothing was measured", ha="center", va="center", wrap=True)
    return _signed(figure, run)


def _outcomes(frame: pd.DataFrame) -> list[str]:
    return [c for c in frame.columns if c.endswith("_correct") or c == "coverage"]


def _panels(count: int, x: str, y: str, shared: bool = True) -> tuple[Figure, list[Axes]]:
    """Return a figure with ``count`` panels, at most three to a row, four in a square."""
    columns = 2 if count == 4 else min(count, 3)
    rows = -(-count // columns)
    figure = Figure(figsize=(4.2 * columns, 3.4 * rows + 1.0), layout="constrained")
    grid = np.atleast_1d(figure.subplots(rows, columns, sharey=shared, squeeze=False)).ravel()
    for axis in grid[count:]:
        axis.set_visible(False)
    for axis in grid[:count]:
        axis.set_xlabel(x)
        axis.grid(alpha=0.25)
        axis.spines[["top", "right"]].set_visible(False)
    for axis in grid[:count:columns]:
        axis.set_ylabel(y)
    return figure, list(grid[:count])


def _line(
    axis: Axes,
    part: pd.DataFrame,
    x: str,
    y: str,
    place: int,
    label: str | None = None,
    sizes: pd.Series[int] | None = None,
    nudge: float = 1.0,
) -> None:
    """Draw one line, with its intervals as bars where the table has them.

    With ``sizes`` the markers' areas show how many subsets each point rests on, and there are no
    bars: they would cover one another. ``nudge`` moves a line along a log axis, so that bars of
    several lines can be told apart.
    """
    part = part.sort_values(x).assign(**{x: lambda rows: rows[x] * nudge})
    colour = COLOURS[place % len(COLOURS)]
    marker = MARKERS[(place + place // len(COLOURS)) % len(MARKERS)]  # a colour's second turn
    axis.plot(
        part[x], part[y], color=colour, marker=marker, markersize=0 if sizes is not None else 4.5,
        label=(label or y).removesuffix("_correct"), linewidth=1.4,
    )  # fmt: skip
    if sizes is not None:
        area = 10 + 90 * sizes.loc[part.index] / sizes.max()
        axis.scatter(part[x], part[y], s=area, color=colour, marker=marker, linewidths=0)
    elif f"{y}_low" in part and part[f"{y}_low"].notna().any():
        reach = [part[y] - part[f"{y}_low"], part[f"{y}_high"] - part[y]]
        axis.errorbar(part[x], part[y], yerr=reach, fmt="none", color=colour, alpha=0.4, lw=1)


def _log_k(axis: Axes, ks: list[int]) -> None:
    axis.set_xscale("log", base=2)
    axis.xaxis.set_major_locator(FixedLocator(ks))
    axis.xaxis.set_major_formatter(ScalarFormatter())
    axis.xaxis.set_minor_formatter(NullFormatter())


def _legend(figure: Figure, axis: Axes) -> None:
    handles, labels = axis.get_legend_handles_labels()
    columns = max(1, min(len(labels), int(figure.get_figwidth() / 1.75)))
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, frameon=False)


def _signed(figure: Figure, run: Run) -> Figure:
    """Put the run's signature under a figure."""
    figure.supxlabel(run.signature, fontsize=7, color="#666666")
    return figure
