"""Do the intervals of effects hold what they promise? Studies of factors of known effect.

``python -m workbench.analysis.factor_coverage FOLDER`` simulates 1,000 studies of each kind and
writes the table ``factors``; ``results/simulation`` holds what it printed. A study has 60 problems
in the 8 conditions of a 2 x 2 x 2 grid. A problem has a difficulty, which a condition shifts a
little at random, and each of its N samples is right or wrong. What is true is an integral over the
difficulties. Percentile intervals of the same numbers, which are not used, stand beside them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import comb, expit

from workbench.analysis.stats.bootstrap import Resamples
from workbench.analysis.stats.design import design_of
from workbench.analysis.stats.factor_effects import interactions, main_effects
from workbench.analysis.stats.matched_budget import Costs, matched_budget
from workbench.core.types import Floats

N, K, PROBLEMS, RESAMPLES = 16, 4, 60, 1000
SIZES = tuple(range(1, N + 1))
SPREAD, JITTER = 1.5, 0.5
"""Standard deviation of difficulty over problems, and of its shifts by condition, logits."""
LENGTH, PROMPT = 100.0, 50.0
"""Mean tokens of a sample at no factor's second level, and of a prompt."""
LENGTH_SPREAD = 0.4
"""Standard deviation over problems of the logarithm of the length."""
BUDGETS = (3, 6)
"""Budgets are what so many samples of the most expensive condition cost."""
FACTORS = ("temperature", "min_p", "prompt")
DESIGN = design_of([dict(zip(FACTORS, cell, strict=True)) for cell in product((0, 1), repeat=3)])
CELLS = np.array(DESIGN.cells)
COMPARED = {"temperature": 4, "prompt": 1, "temperature and prompt": 5}
"""Conditions compared with the first at equal budgets, by the factors at their second level."""
OUTCOMES = ("pass@1", "coverage")
COLUMNS = ["world", "number", "outcome", "true", "covered", "percentile", "rejected", "studies"]


@dataclass(frozen=True)
class FactorWorld:
    """What the factors do in a simulated world."""

    effects: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """What the second level of each factor adds to the logit of being right."""
    interaction: float = 0.0
    """What the second levels of temperature and prompt add together, beyond that."""
    ease: float = 0.0
    """What is added to the logit in every condition."""
    length: float = 1.0
    """How many times as long samples are at the second temperature."""
    twice: bool = False
    """Whether a sample at the second temperature is worth two at the first: right where either of
    two is. If it is twice as long too, coverage at equal cost is the same."""


WORLDS = {
    "nothing": FactorWorld(),
    "cost alone": FactorWorld(length=2.0),
    "one factor": FactorWorld(effects=(0.6, 0.0, 0.0), length=1.5),
    "interaction": FactorWorld(effects=(0.5, 0.0, 0.5), interaction=-0.8, length=1.5),
    "twice the sample": FactorWorld(length=2.0, twice=True),
    "nearly all right": FactorWorld(effects=(1.0, 0.0, 0.0), ease=2.0, length=1.5),
}


class FactorStudy(NamedTuple):
    """One simulated study of P problems and 8 conditions."""

    curves: Floats
    """(P, 8, N) exact pass@k of each pool."""
    costs: Costs


class FactorFinding(NamedTuple):
    """One number of a study, with what is true."""

    number: str
    outcome: str
    true: float
    low: float
    high: float
    p: float
    percentile_low: float
    percentile_high: float


def chances(world: FactorWorld, easiness: Floats) -> Floats:
    """(..., 8) easiness in each condition, of which no factor is part -> chances of being right."""
    together = world.interaction * CELLS[:, 0] * CELLS[:, 2]
    chance = expit(easiness + world.ease + CELLS @ np.array(world.effects) + together)
    return np.where(world.twice & (CELLS[:, 0] == 1), 1 - (1 - chance) ** 2, chance)


def simulate(world: FactorWorld, problems: int, rng: np.random.Generator) -> FactorStudy:
    """Draw one study."""
    easiness = rng.normal(0.0, SPREAD, (problems, 1))
    shifted = easiness + rng.normal(0.0, JITTER, (problems, len(CELLS)))
    right = rng.binomial(N, chances(world, shifted))
    curves = 1 - comb(N - right[..., None], np.array(SIZES)) / comb(N, np.array(SIZES))
    # harder problems have longer answers; the mean over problems stays what it is
    toil = 0.5 * (np.sqrt(3) * rng.normal(size=(problems, 1)) - easiness / SPREAD)
    factor = np.exp(LENGTH_SPREAD * toil - LENGTH_SPREAD**2 / 2)
    noise = rng.gamma(4.0 * N, 1 / (4.0 * N), (problems, len(CELLS)))
    prompt = PROMPT * rng.gamma(9.0, 1 / 9.0, (problems, 1))
    fixed = np.broadcast_to(prompt, noise.shape)
    return FactorStudy(curves, Costs(mean_lengths(world) * factor * noise, fixed))


def mean_lengths(world: FactorWorld) -> Floats:
    """(8,) true mean tokens of a sample."""
    return np.where(CELLS[:, 0] == 1, LENGTH * world.length, LENGTH)


@cache
def true_curves(world: FactorWorld) -> Floats:
    """(8, N) true pass@k of each condition: an integral over the difficulties of problems."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(100)
    easiness = np.repeat(nodes[:, None] * np.hypot(SPREAD, JITTER), len(CELLS), axis=1)
    wrong = 1 - chances(world, easiness)  # (nodes, 8)
    integral = np.einsum("x,xck->ck", weights / weights.sum(), wrong[..., None] ** np.array(SIZES))
    return np.asarray(1 - integral)


def analyse(
    world: FactorWorld, study: FactorStudy, rng: np.random.Generator
) -> Iterator[FactorFinding]:
    """Yield the numbers of a study, with the intervals and tests of the tables."""
    weights = Resamples(len(study.curves), RESAMPLES, int(rng.integers(2**31)))
    truth = true_curves(world)[None]
    outcomes, known = (curves[:, :, [0, K - 1]] for curves in (study.curves, truth))
    signs = 2 * CELLS - 1
    main = main_effects(outcomes, DESIGN, OUTCOMES, weights=weights, rng=rng)
    for row in main.dropna(subset=["difference"]).to_dict("records"):
        contrast = signs[:, FACTORS.index(row["factor"])] / 4
        numbers = row["difference_low"], row["difference_high"], row["difference_p"]
        yield _finding(row["factor"], row["outcome"], contrast, numbers, known, outcomes, weights)
    for row in interactions(outcomes, DESIGN, OUTCOMES, rng=rng).to_dict("records"):
        a, b = (FACTORS.index(row[key]) for key in ("factor_a", "factor_b"))
        number = f"{FACTORS[a]} x {FACTORS[b]}"
        numbers = row["interaction_low"], row["interaction_high"], row["interaction_p"]
        contrast = signs[:, a] * signs[:, b] / 2
        yield _finding(number, row["outcome"], contrast, numbers, known, outcomes, weights)
    yield from _at_equal_cost(world, study, weights, rng)


def _finding(
    number: str,
    outcome: str,
    contrast: Floats,
    numbers: tuple[float, float, float],
    known: Floats,
    outcomes: Floats,
    weights: Resamples,
) -> FactorFinding:
    place = OUTCOMES.index(outcome)
    means = np.concatenate([block @ (outcomes[:, :, place] @ contrast) for block in weights])
    limits = np.quantile(means / len(outcomes), [0.025, 0.975])
    return FactorFinding(number, outcome, float(known[0, :, place] @ contrast), *numbers, *limits)


def _at_equal_cost(
    world: FactorWorld, study: FactorStudy, weights: Resamples, rng: np.random.Generator
) -> Iterator[FactorFinding]:
    lengths = mean_lengths(world)
    true = Costs(lengths[None], np.full((1, len(CELLS)), PROMPT))
    # Budgets that are estimated too would be off the sizes at which a sample is worth just two.
    budgets = (true if world.twice else study.costs).budgets(BUDGETS)
    frame = matched_budget(
        study.curves, SIZES, study.costs, budgets, weights=weights, rng=rng
    ).set_index(["budget", "condition"])
    drawn = _resampled(study, budgets, weights)
    for place, (k, budget) in enumerate(zip(BUDGETS, budgets, strict=True)):
        known = _read(true_curves(world), true.affordable(np.array([budget]))[0])
        for name, condition in COMPARED.items():
            row = frame.loc[(budget, condition)]
            gap = float(known[condition] - known[0])
            limits = np.quantile(drawn[:, place, condition] - drawn[:, place, 0], [0.025, 0.975])
            numbers = row["difference_low"], row["difference_high"], row["difference_p"]
            yield FactorFinding(f"{name}, cost of {k}", "coverage", gap, *numbers, *limits)


def _resampled(study: FactorStudy, budgets: Floats, weights: Resamples) -> Floats:
    """(resamples, B, 8) outcomes at the budgets, costs and curves averaged anew in each."""
    blocks = []
    for block in weights:
        shares = block / len(study.curves)
        curves = np.tensordot(shares, study.curves, axes=1)  # (block, 8, N)
        means = [shares @ part for part in (study.costs.per_sample, study.costs.fixed)]
        samples = [(budget - means[1]) / means[0] for budget in budgets]
        blocks.append(
            np.stack([_read(np.asarray(curves), afforded) for afforded in samples], axis=1)
        )
    return np.concatenate(blocks)


def _read(curves: Floats, samples: Floats) -> Floats:
    """(..., N) curves at real-valued (...) numbers of samples, on the line between sizes."""
    below = np.clip(np.floor(samples), 1, N - 1).astype(int)[..., None]
    share = samples[..., None] - below
    one, other = (np.take_along_axis(curves, below + step, axis=-1) for step in (-1, 0))
    return np.asarray(((1 - share) * one + share * other)[..., 0])


def study_world(label: str, studies: int, problems: int = PROBLEMS, seed: int = 0) -> pd.DataFrame:
    """Return how often intervals cover the truth in one world, and how often 0 is rejected.

    Returns:
        A row per number and outcome: ``true`` value, a mean over studies at equal cost, where it
        depends on the budget; ``covered``, the share of 95 % intervals that hold it (should be
        0.93 to 0.97); ``percentile``, the same of percentile bootstrap intervals; ``rejected``,
        the share of tests at 5 % that reject 0 (should be 0.03 to 0.07 where ``true`` is 0, and
        is the power elsewhere); ``studies`` with an interval.
    """
    world, rng = WORLDS[label], np.random.default_rng([seed, list(WORLDS).index(label)])
    drawn = (simulate(world, problems, rng) for _ in range(studies))
    frame = pd.DataFrame([finding for study in drawn for finding in analyse(world, study, rng)])
    frame["true"] = frame["true"].where(frame["true"].abs() > 1e-9, 0.0)
    rows = []
    for (number, outcome), part in frame.groupby(["number", "outcome"], sort=False):
        true = part["true"]
        covered = (part["low"] <= true) & (true <= part["high"])
        percentile = (part["percentile_low"] <= true) & (true <= part["percentile_high"])
        shares = covered.mean(), percentile.mean(), (part["p"] < 0.05).mean()
        rows.append((label, number, outcome, true.mean(), *shares, part["low"].count()))
    return pd.DataFrame(rows, columns=COLUMNS)


def main(folder: Path, studies: int = 1000) -> None:
    """Simulate and write ``factors.csv`` and ``factors.md``."""
    with ProcessPoolExecutor(2) as processes:
        frame = pd.concat(processes.map(partial(study_world, studies=studies), WORLDS))
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_csv(folder / "factors.csv", index=False, float_format="%.4f")
    text = frame.to_markdown(index=False, floatfmt=".3f")
    notes = (
        f"{studies} studies each of {PROBLEMS} problems in {len(CELLS)} conditions, {N} samples a "
        f"problem; coverage is pass@{K}, at equal cost pass@k of the samples afforded",
        "cost of k: the condition with these factors at their second level less that with none, "
        "for what k samples of the most expensive condition cost",
        "covered: t intervals, as in the tables; percentile: what percentile bootstrap intervals "
        "of the same numbers would cover",
    )
    lines = "\n".join(f"- {note}" for note in notes)
    (folder / "factors.md").write_text(f"## factors\n\n{text}\n\n{lines}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:3]))
