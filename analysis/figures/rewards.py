"""Figures of rewards: how far they can be trusted, what they choose, how one was trained."""

from __future__ import annotations

import pandas as pd

from workbench.analysis.condition_columns import with_conditions
from workbench.analysis.figures.drawing import (
    Axis,
    Drawing,
    Panel,
    explain_empty,
    join_lines,
    lines_by_condition,
    panel_title,
    points,
    sample_count_axis,
)
from workbench.saved_run import Run

ALL = (-0.05, 1.05)
"""Every probability, and room for the markers at both ends."""


def reliability(run: Run) -> Drawing:
    """Share of right samples against the mean reward of a bin, a line per condition."""
    frame = run.table("reliability")
    if frame.empty:
        return explain_empty(run, "reliability")
    panels = [
        Panel(
            title=str(reward),
            rows=lines_by_condition(part, "mean_reward", "right", size="samples"),
            x=Axis(title="mean reward, as a probability", ends=ALL),
            y=Axis(title="share of samples right", ends=ALL),
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
            x=sample_count_axis("k, samples in the subset", part["k"]),
            y=Axis(title="expected accuracy of the best"),
            condition=str(name),
        )
        for name, part in with_conditions(frame).groupby("condition", observed=True)
    ]
    return Drawing(panels=panels, lines="reward")


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
