"""Trains the toy's model in every way that is compared, with four seeds: ``make correction-study``.

Each training goes through the command's own code. Writes ``results/correction``: ``toy.csv``, a row
per training; ``toy_curves.csv``, a row per evaluation; ``toy.md``, means over seeds with intervals;
and the figure of the evaluations.
"""

import multiprocessing
import os
import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from tests.correction_study.toy import make_base, write_toy

SEEDS = range(4)
WORKERS = 2
OUT = Path(__file__).parents[2] / "results" / "correction"
I_ONLY, BOTH, II_ONLY = ({"steps_1": one, "steps_2": two} for one, two in
                         ((40, 0), (40, 60), (0, 100)))  # fmt: skip
TRAININGS = {
    "SCoRe": BOTH | {"alpha": 10.0},
    "without the bonus": BOTH | {"alpha": 0.0},
    "naive multi-turn": II_ONLY | {"alpha": 0.0},
    "Stage I, shuffled rewards": I_ONLY | {"shuffled_rewards": True},
    "Stage I, beta_2 = 10": I_ONLY | {"beta_2": 10.0},
}
"""What is trained; of SCoRe, the evaluation at the end of Stage I is that of Stage I alone."""
DRAWN = ("SCoRe", "without the bonus", "naive multi-turn")
MEASURES = ("t1", "t2", "delta", "gained", "lost")


def train_all(seed, names=tuple(TRAININGS), **changes):
    """Train one seed's base model in each way; return the rows of all evaluations."""
    os.environ["OMP_NUM_THREADS"] = "1"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch and transformers, at import
        from workbench.cli.open_experiment import open_experiment
        from workbench.core.console import console
        from workbench.correction_training.train import train_correction
    console.quiet = True
    rows = []
    with tempfile.TemporaryDirectory() as home:
        base = make_base(Path(home) / "base", seed)
        for name in names:
            often = {"evaluate_every": 20, "evaluation_samples": 4}
            path = write_toy(Path(home), base, seed, **often | TRAININGS[name] | changes)
            out = Path(home) / name.replace(" ", "_")
            train_correction(open_experiment(path, ()), out, lambda *drawn: None)
            curves = pd.read_csv(out / "curves.csv")
            curves = curves[curves["held_out_t1"].notna()]
            found = curves[["step", *(f"held_out_{one}" for one in MEASURES)]]
            found = found.rename(columns=lambda column: column.removeprefix("held_out_"))
            rows.append(found.assign(seed=seed, training=name))
    return pd.concat(rows)


def one_row_each(curves):
    """The last evaluation of each training, and those of the base model and of Stage I."""
    curves = curves.reset_index(drop=True)  # each training's rows are numbered from 0
    last = curves.loc[curves.groupby(["training", "seed"])["step"].idxmax()]
    score = curves[curves["training"] == "SCoRe"]
    before = score[score["step"] == 0].assign(training="base model")
    stage_1 = score[score["step"] == I_ONLY["steps_1"]].assign(training="Stage I")
    rows = pd.concat([before, stage_1, last])
    order = ["base model", "Stage I", *TRAININGS]
    rows["training"] = pd.Categorical(rows["training"], order, ordered=True)
    return rows.sort_values(["training", "seed"])[["training", "seed", "step", *MEASURES]]


def interval(values):
    """Mean and 95% interval over seeds, by Student's t."""
    mean, error = float(np.mean(values)), stats.sem(values)
    half = float(error * stats.t.ppf(0.975, len(values) - 1))
    return mean, mean - half, mean + half


def shown(values):
    """Mean and interval as a text."""
    mean, low, high = interval(values)
    return f"{mean:.3f} [{low:.3f}, {high:.3f}]"


def summary(rows, seconds):
    """The table of means, what was claimed with its smallest and largest value, as Markdown."""
    of = {name: part.set_index("seed") for name, part in rows.groupby("training", observed=True)}
    lines = [
        "| training | steps | accuracy@t1 | accuracy@t2 | t2 - t1 | became right | became wrong |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, part in of.items():
        cells = " | ".join(shown(part[one]) for one in MEASURES)
        lines.append(f"| {name} | {int(part['step'].iloc[0])} | {cells} |")
    base = of["base model"]
    changes = {
        "Stage I: rise of accuracy@t2, at least 0.2": of["Stage I"]["t2"] - base["t2"],
        "Stage I, shuffled rewards: change of accuracy@t2, within 0.1":
            of["Stage I, shuffled rewards"]["t2"] - base["t2"],
        "Stage I, beta_2 = 10: change of accuracy@t1, within 0.03":
            of["Stage I, beta_2 = 10"]["t1"] - base["t1"],
        "SCoRe less naive: accuracy@t2": of["SCoRe"]["t2"] - of["naive multi-turn"]["t2"],
        "SCoRe less naive: t2 - t1": of["SCoRe"]["delta"] - of["naive multi-turn"]["delta"],
        "SCoRe less the same without the bonus: accuracy@t2":
            of["SCoRe"]["t2"] - of["without the bonus"]["t2"],
    }  # fmt: skip
    lines += [
        "",
        "| difference, paired by seed | mean | smallest | largest |",
        "| --- | --- | --- | --- |",
    ]
    for name, values in changes.items():
        lines.append(f"| {name} | {shown(values)} | {values.min():.3f} | {values.max():.3f} |")
    count, minutes = rows["seed"].nunique(), seconds / 60
    lines += ["", f"{count} seeds, each of the base model and of its trainings; 270 problems held "
              f"out, 4 pairs of answers to each; [low, high]: 95% intervals over seeds (Student's "
              f"t). {minutes:.0f} minutes on two cores. `make correction-study`"]  # fmt: skip
    return "\n".join(["## A toy that needs its second turn", "", *lines, ""])


def figure(curves, folder):
    """Draw accuracy of both answers against steps, with intervals over seeds."""
    from workbench.analysis.figures import save
    from workbench.analysis.figures.chart import draw
    from workbench.analysis.figures.drawing import Axis, Drawing, Panel, join_lines, points

    panels = []
    for name, title in (("t1", "accuracy@t1"), ("t2", "accuracy@t2"), ("delta", "t2 - t1")):
        lines = []
        for training in DRAWN:
            part = curves[curves["training"] == training]
            means = part.groupby("step")[name].apply(lambda values: pd.Series(interval(values)))
            wide = means.unstack().set_axis(["y", "y_low", "y_high"], axis=1).reset_index()
            lines.append(points(wide, "step", "y", training))
        rows = join_lines(lines)
        panels.append(
            Panel(
                title=title,
                rows=rows,
                x=Axis(title="step"),
                y=Axis(title=""),
                place=float(I_ONLY["steps_1"]),
            )
        )
    notes = [
        "held-out problems; dashed: Stage II begins, of the two trainings that have a Stage I; "
        "bands: 95% intervals over seeds"
    ]
    about = "Accuracy of both answers against the steps of three trainings on the toy."
    drawing = Drawing(panels=panels, lines="training", bands=True, same_y=False, notes=notes,
                      name="toy", about=about)  # fmt: skip
    save(draw(drawing), folder, "toy")


def main(seeds=SEEDS):
    """Train, and write what was found."""
    start = time.monotonic()
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
        curves = pd.concat(pool.map(train_all, seeds))
    rows = one_row_each(curves)
    OUT.mkdir(parents=True, exist_ok=True)
    rows.to_csv(OUT / "toy.csv", index=False, float_format="%.4f")
    curves.to_csv(OUT / "toy_curves.csv", index=False, float_format="%.4f")
    text = summary(rows, time.monotonic() - start)
    (OUT / "toy.md").write_text(text)
    figure(curves, OUT)
    print(text)
