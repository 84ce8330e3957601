"""What a trained reward model is worth, on problems that it was not trained on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.figures import save, training_curves
from workbench.analysis.frames import Table, bounded, with_q_values
from workbench.analysis.markdown import to_markdown
from workbench.analysis.stats.bootstrap import MIN_PROBLEMS, bootstrap_means
from workbench.analysis.stats.calibration import auroc, ranking_accuracy, reward_samples
from workbench.analysis.stats.paired import compare_means
from workbench.analysis.tables.shared import star_note
from workbench.analysis.terminal import print_table
from workbench.core.console import stdout
from workbench.core.types import REWARD_PREFIX
from workbench.reward_training.train import TrainedReward
from workbench.tracking.wandb_run import Tracker

REWARDS = ("trained", "untrained", "likelihood")
"""The rewards that every training compares; the other rewards of its runs come after these."""
PARTS = ("test", "validation")
TABLES = ("held_out", "held_out_gains")


def judge(out: Path, outcome: TrainedReward, tracker: Tracker) -> Mapping[str, Any]:
    """Write the tables of the held-out problems and the curves, and log them.

    Returns:
        The tables' rows by name, as JSON has them, undefined values None.
    """
    found: dict[str, Any] = {}
    folder = out / "tables"
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in held_out(outcome.held_out).items():
        table.frame.to_csv(folder / f"{name}.csv", index=False)
        text = to_markdown(name, table, outcome.signature)
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
        tracker.table(name, table.frame)
        rows = table.frame.astype(object).where(table.frame.notna(), None)
        found[name] = rows.to_dict("records")
    drawn = training_curves(outcome.curves, outcome.best_step, outcome.signature)
    tracker.figure("training", save(drawn, out / "figures", "training"), drawn.to_html)
    numbers: dict[str, Any] = {}
    for row in found["held_out"]:
        label = f"{row['part']}/{row['reward']}"
        numbers |= {f"{label}/{name}": row[name] for name in ("ranking_accuracy", "auroc")}
    tracker.summarize(numbers)
    return found


def show(out: Path) -> None:
    """Print the tables of a finished training."""
    terminal = stdout()
    for name in TABLES:
        text = (out / "tables" / f"{name}.md").read_text(encoding="utf-8")
        notes = [line.removeprefix("- ") for line in text.splitlines() if line.startswith("- ")]
        frame = pd.read_csv(out / "tables" / f"{name}.csv")
        print_table(terminal, name, frame, "\n".join([*notes, text.splitlines()[-1].strip("`")]))


def held_out(rows: pd.DataFrame) -> dict[str, Table]:
    """Return how well each reward ranks the held-out samples, and what the training gained.

    From the rows of a ``TrainedReward``: ``held_out``, a row per part and reward, and
    ``held_out_gains``, the trained reward less each other one, paired by problem.
    """
    levels, gains = [], []
    others = [c.removeprefix(REWARD_PREFIX) for c in rows.columns if c.startswith(REWARD_PREFIX)]
    names = [*REWARDS, *others]
    for part in PARTS:
        inside = rows[rows["part"] == part]
        inside = inside.rename(columns=lambda name: str(name).removeprefix(REWARD_PREFIX))
        ranks = pd.DataFrame({name: _ranking(inside, name) for name in names})
        for name in names:
            means = bootstrap_means(ranks[name], ranks.index, rng=_rng())
            bounds = (float(found[0]) for found in (means.value, means.low, means.high))
            samples = reward_samples(inside[name], inside["right"], inside["problem"])
            area = auroc(samples)
            levels.append(
                {"part": part, "reward": name}
                | bounded("ranking_accuracy", *bounds)
                | {"problems": int(ranks[name].notna().sum())}
                | bounded("auroc", area.value, area.low, area.high)
                | {"right": float(samples.right.mean()) if len(samples) else np.nan}
                | {"samples": len(samples)}
            )
        for name in names[1:]:
            gain = compare_means(ranks["trained"], ranks[name], rng=_rng())
            columns = bounded("ranking_accuracy", gain.value, gain.low, gain.high, gain.p)
            row = {"part": part, "trained_less": name, **columns, "problems": gain.num_problems}
            gains.append(row)
    notes = (
        "problems not trained on; validation chose the step, so test is the honest part",
        "ranking_accuracy: chance that a right sample outranks a wrong one of its pool (run, "
        "problem, condition), mean over the pools of each problem that have both, then over "
        "problems: what best-of-N depends on; 0.5 is chance",
        "auroc: the same over samples of all problems, so that telling easy problems from hard "
        "ones counts",
        "trained, untrained: probability of + from the new model and from the one it was made of; "
        "likelihood: mean token log-probability; others: rewards that the runs had already",
        f"[low, high]: 95% intervals, the problem as the unit; none below {MIN_PROBLEMS} problems",
    )
    less = "ranking_accuracy of the trained reward less that of another"
    gained = Table(with_q_values(pd.DataFrame(gains)), (less, star_note("is not 0")))
    return {"held_out": Table(pd.DataFrame(levels), notes), "held_out_gains": gained}


def _ranking(rows: pd.DataFrame, name: str) -> pd.Series:
    """Ranking accuracy of each problem, by its label: the mean over its pools that have both."""
    pools = rows.groupby(["problem", "run", "condition"])[[name, "right"]]
    values = {key: ranking_accuracy(pool[name], pool["right"]) for key, pool in pools}
    frame = pd.Series(values, dtype=float, index=pd.MultiIndex.from_tuples(list(values)))
    means: pd.Series = frame.groupby(level=0).mean()
    return means


def _rng() -> np.random.Generator:
    """A new generator, the same for every number."""
    return np.random.default_rng(0)
