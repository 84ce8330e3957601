"""Do the intervals hold what they promise? Studies of known truth, analysed as real ones are.

``python -m workbench.analysis.interval_coverage FOLDER`` simulates 1,000 studies of each kind and
size and writes the table ``simulation``; ``results/simulation`` holds what it printed. A study is
made sample by sample: a problem has a difficulty, each of its N samples is right or wrong and has a
feature that adds up to a subset's diversity, and overlapping random subsets of k are correlated.
What is true is known by construction (no relation) or from one study of very many problems.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import expit

from workbench.analysis.correlation import LEVELS, METHODS, correlate
from workbench.analysis.stats.bootstrap import bootstrap_means
from workbench.analysis.stats.paired import compare_means
from workbench.core.types import Floats

N, K, SUBSETS = 16, 4, 10
SIZES = (24, 50, 200)
"""Problems of a study: the study's smallest table, a usual one, the whole study."""
TRUTH_PROBLEMS = 100_000
COLUMNS = ["world", "problems", "number", "true", "covered", "rejected", "studies"]


@dataclass(frozen=True)
class World:
    """What holds in a simulated world."""

    pull: float
    """How much easier problems move diversity: a relation between problems, by difficulty alone."""
    tie: float
    """How much a sample's being right moves its feature: a relation within problems."""
    gain: float = 0.0
    """What the second condition adds to the logit of being right, a known difference."""
    spread: float = 1.5
    """Standard deviation of difficulty over problems, logits."""


WORLDS = {
    "nothing related": World(pull=0.0, tie=0.0),
    "difficulty drives both": World(pull=1.0, tie=0.0),
    "related within problems": World(pull=0.0, tie=1.0),
    "both": World(pull=-0.5, tie=1.0, gain=0.4),
}


class Study(NamedTuple):
    """One simulated study of P problems: rows of subsets, and two conditions' accuracies."""

    rows: pd.DataFrame
    """P x SUBSETS rows: problem, diversity, coverage."""
    accuracy: Floats
    """(P, 2) share of right samples of each problem, in two conditions."""


def simulate(world: World, problems: int, rng: np.random.Generator) -> Study:
    """Draw one study."""
    easiness = rng.normal(0.0, world.spread, problems)
    chance = expit(easiness)[:, None]
    right = (rng.random((problems, N)) < chance).astype(float)
    feature = (
        world.pull * easiness[:, None]
        + world.tie * (right - chance)
        + rng.normal(0.0, 0.5, (problems, 1))  # problems differ in diversity for other reasons too
        + rng.normal(0.0, 1.0, (problems, N))
    )
    order = rng.random((problems, SUBSETS, N)).argsort(axis=2)[:, :, :K]  # (P, S, K) members
    place = np.arange(problems)[:, None, None]
    rows = pd.DataFrame({"problem": np.repeat(np.arange(problems), SUBSETS)})
    rows["diversity"] = feature[place, order].mean(axis=2).ravel()
    rows["coverage"] = right[place, order].max(axis=2).ravel()
    second = rng.random((problems, N)) < expit(easiness + world.gain)[:, None]
    return Study(rows, np.column_stack([right.mean(axis=1), second.mean(axis=1)]))


@cache
def truth(world: World) -> dict[str, float]:
    """Return what a study of very many problems finds, by name of the number."""
    study = simulate(world, TRUTH_PROBLEMS, np.random.default_rng(2024))
    rows = study.rows
    means = rows.groupby("problem")[["diversity", "coverage"]].transform("mean")
    within = rows[["diversity", "coverage"]] - means
    between = means.iloc[::SUBSETS]
    found = {"accuracy": float(study.accuracy[:, 0].mean())}
    found["difference"] = float(np.diff(study.accuracy.mean(axis=0))[0]) if world.gain else 0.0
    for level, frame in (("pooled", rows), ("within", within), ("between", between)):
        columns = frame[["diversity", "coverage"]].round(12)
        for method in ("pearson", "spearman"):
            found[f"{method} {level}"] = float(columns.corr(method=method).to_numpy()[0, 1])
    if world.tie == 0:
        found |= {name: 0.0 for name in found if name.endswith("within")}
    if world.tie == world.pull == 0:
        found |= {name: 0.0 for name in found if name.startswith(("pearson", "spearman"))}
    return found


def analyse(study: Study, rng: np.random.Generator) -> Iterator[tuple[str, float, float, float]]:
    """Yield (number, low, high, p) of a study, with the intervals and tests of the tables."""
    problems = np.arange(len(study.accuracy))
    mean = bootstrap_means(study.accuracy[:, 0], problems, resamples=1000, rng=rng)
    yield "accuracy", float(mean.low[0]), float(mean.high[0]), np.nan
    pair = compare_means(study.accuracy[:, 1], study.accuracy[:, 0], resamples=1000, rng=rng)
    yield "difference", pair.low, pair.high, pair.p
    columns = [study.rows[name] for name in ("diversity", "coverage", "problem")]
    for method, level in product(METHODS, LEVELS):
        r = correlate(*columns, method=method, level=level)
        yield f"{method} {level}", r.low, r.high, r.p


def coverage_study(studies: int, sizes: tuple[int, ...] = SIZES, seed: int = 0) -> pd.DataFrame:
    """Return how often intervals cover the truth, and how often 'nothing there' is rejected.

    Returns:
        A row per world, number of problems and number: ``true`` value; ``covered``, the share of
        95 % intervals that hold it (should be 0.93 to 0.97); ``rejected``, the share of tests at
        5 % that reject 'nothing there' (should be 0.03 to 0.07 where ``true`` is 0, and is the
        power elsewhere); ``studies`` with an interval.
    """
    rows = []
    for number, (label, world) in enumerate(WORLDS.items()):
        known = truth(world)
        for size in sizes:
            rng = np.random.default_rng([seed, number, size])
            found = [f for _ in range(studies) for f in analyse(simulate(world, size, rng), rng)]
            frame = pd.DataFrame(found, columns=["name", "low", "high", "p"])
            for name, part in frame.groupby("name", sort=False):
                value = known[str(name)]
                whole = part.dropna(subset=["low", "high"])
                tested = part["p"].dropna()
                covered = ((whole["low"] <= value) & (value <= whole["high"])).mean()
                rejected = (tested < 0.05).mean() if len(tested) else np.nan
                rows.append((label, size, name, value, covered, rejected, len(whole)))
    return pd.DataFrame(rows, columns=COLUMNS)


def main(folder: Path, studies: int = 1000) -> None:
    """Simulate and write ``simulation.csv`` and ``simulation.md``."""
    frame = coverage_study(studies)
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_csv(folder / "simulation.csv", index=False, float_format="%.4f")
    text = frame.to_markdown(index=False, floatfmt=".3f")
    notes = (
        f"{studies} studies each; {N} samples a problem, {SUBSETS} overlapping subsets of {K}; "
        "intervals and tests as in the tables, the problem as the unit"
    )
    (folder / "simulation.md").write_text(f"## simulation\n\n{text}\n\n- {notes}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
