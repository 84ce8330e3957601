"""Figures of rewards: how far they can be trusted, what they choose, how one was trained."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from workbench.analysis.condition_columns import with_conditions
from workbench.analysis.figures.drawing import (
    ACCURACY,
    Axis,
    Drawing,
    Panel,
    band_axis,
    explain_empty,
    join_lines,
    lines_by_condition,
    panel_title,
    points,
)
from workbench.saved_run import Run

ALL = (-0.05, 1.05)
"""Every probability, and room for the markers at both ends."""


def reliability(run: Run) -> Drawing:
    """Accuracy of samples against the mean reward of a bin, a line per condition."""
    frame = run.table("reliability")
    if frame.empty:
        return explain_empty(run, "reliability")
    panels = [
        Panel(
            title=str(reward),
            rows=lines_by_condition(part, "mean_reward", "right", size="samples"),
            x=Axis(title="mean reward, as a probability", ends=ALL),
            y=replace(ACCURACY, ends=ALL),
            diagonal=True,
        )
        for reward, part in frame.groupby("reward", sort=False)
    ]
    return Drawing(panels=panels, size="samples in the bin", notes=["dashed: calibrated"])


def best_by_reward(run: Run) -> Drawing:
    """Exact best@k of each reward, beside choosing at random and an oracle, per condition."""
    frame = run.table("reward_curve")
    if frame.empty:
        return explain_empty(run, "reward_curve")
    rewards = [c for c in frame.columns if c.startswith("best:") and f"{c}_low" in frame]
    panels = [
        Panel(
            title=panel_title(str(name)),
            rows=join_lines(
                points(part, "k", reward, reward.removeprefix("best:"))
                for reward in ("oracle", *rewards, "random")
            ),
            x=band_axis(part["k"]),
            y=ACCURACY,
            condition=str(name),
        )
        for name, part in with_conditions(frame).groupby("condition", observed=True)
    ]
    return Drawing(panels=panels, lines="reward", bands=True)


def training(curves: pd.DataFrame, best: int) -> Drawing:
    """Loss and accuracy of a reward model's training against steps."""
    panels = [
        Panel(
            title="loss [nats]" if name == "loss" else name,
            rows=join_lines(
                points(curves, "step", column, label)
                for column, label in ((name, "train"), (f"validation_{name}", "validation"))
            ),
            x=Axis(title="step"),
            y=Axis(title=""),
            place=best,
        )
        for name in ("loss", "accuracy")
    ]
    return Drawing(panels=panels, same_y=False, notes=["dashed: the step that was kept"])
