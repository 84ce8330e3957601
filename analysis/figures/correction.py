"""The figure of a training that teaches a model to correct itself."""

from __future__ import annotations

import pandas as pd

from workbench.analysis.figures.drawing import Axis, Drawing, Panel, join_lines, points

PANELS = (
    ("reward", {"reward_1": "first answer", "reward_2": "second answer"}),
    (
        "held-out problems",
        {"held_out_t1": "first answer", "held_out_t2": "second answer", "held_out_delta": "gain"},
    ),
    ("KL from the reference [nats/answer]", {"kl_1": "first answer", "kl_2": "second answer"}),
    ("token entropy [nats]", {"entropy_1": "first answer", "entropy_2": "second answer"}),
    ("loss", {"loss": "both answers"}),
    ("learning rate", {"learning_rate": "both answers"}),
)
"""Title of each panel, and the columns that are drawn in it with their names."""
SMOOTH = 30
"""A curve of more points than this is drawn as means of so many stretches."""


def training_of_correction(curves: pd.DataFrame, steps_1: int) -> Drawing:
    """Rewards, KL divergence, entropy, loss and learning rate of a training against its steps."""
    stretch = -(-len(curves) // SMOOTH)
    smooth = curves.groupby(curves.index // stretch).mean(numeric_only=True)
    panels = []
    for title, columns in PANELS:
        held_out = title.startswith("held-out")
        rows = curves if held_out else smooth
        lines = [
            points(rows[rows[column].notna()], "step", column, label)
            for column, label in columns.items()
        ]
        place = float(steps_1) if 0 < steps_1 < curves["step"].max() else None
        x, y = Axis(title="step"), Axis(title="")
        panels.append(Panel(title=title, rows=join_lines(lines), x=x, y=y, place=place))
    notes = ["dashed: Stage II begins"] if panels[0].place is not None else []
    if stretch > 1:
        notes.append(f"all but held-out problems: means of {stretch} steps")
    return Drawing(panels=panels, same_y=False, lines="answer", notes=notes)
