"""Table of second turns against more first answers, at equal cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.analysis.aggregate.exact import maj_at_k
from workbench.analysis.budget_costs import Budget, budgets_of
from workbench.analysis.frames import ENDS, Data, Table, with_q_values
from workbench.analysis.stats import matched_budget as equal_cost
from workbench.analysis.stats.chains import chain_coverage, chain_votes
from workbench.analysis.stats.matched_budget import Costs
from workbench.analysis.tables.self_correction import left_out_notes, no_second_answers
from workbench.analysis.tables.shared import star_note
from workbench.core.conditions import Condition
from workbench.core.subsets import pool_rng
from workbench.core.types import UNANSWERED, Floats, Ints
from workbench.metrics.passk import pass_at_k

REPLICATES = 200
"""Random choices of chains behind a vote that has no closed form."""
OUTCOMES = ("accuracy", "coverage", "majority")


@dataclass(frozen=True)
class Strategy:
    """A way to spend a budget: units of chains, some of which have a second answer."""

    name: str
    meaning: str
    with_second: int
    """Chains of a unit that have a second answer."""
    alone: int
    """Chains of a unit that have none."""
    answers: int
    """Answers of a unit that vote."""


FIRST, SECOND, PAIRS, MIXED = STRATEGIES = (
    Strategy("first answers", "no second turn", 0, 1, 1),
    Strategy("second answers", "pairs, of which the second answers alone count", 1, 0, 1),
    Strategy("pairs", "pairs, of which both answers count", 1, 0, 2),
    Strategy("mixture", "for each pair one first answer without a second turn", 1, 1, 3),
)
"""The first is what the others are compared with."""


def sequential_against_parallel(data: Data) -> Table:
    """What k/2 pairs of a first and a second answer buy, beside first answers at the same cost."""
    if not any(one.first for one in data.conditions):
        return Table(pd.DataFrame(), (no_second_answers(data),))
    by_name = {one.name: one for one in data.conditions}
    pairs = [(by_name[one.first], one) for one in data.conditions if one.first and not one.greedy]
    parts, missing = [], []
    for first, second in pairs:
        budgets, unknown = budgets_of(data, [first, second])
        curves = _curves(data, first, second)
        if not budgets or np.isnan(curves["accuracy"]).all():
            missing += [f"{first.name}: {why}" for why in unknown or ["no pair is judged"]]
            continue
        for budget in budgets:
            table, dear = _at_budget(data, first, budget, curves)
            parts.append(table)
            missing += [f"{first.name}, {budget.name}: {dear}"] * bool(dear)
        missing += unknown
    notes = tuple(_notes(data, missing))
    filled = [part for part in parts if len(part)]
    if not filled:
        return Table(pd.DataFrame(), notes)
    return Table(with_q_values(pd.concat(filled, ignore_index=True)), notes)


def _at_budget(
    data: Data, first: Condition, budget: Budget, curves: Mapping[str, Floats]
) -> tuple[pd.DataFrame, str]:
    """Return a row for each k and strategy, at the cost of k/2 pairs, and which k are left out."""
    costs = strategy_costs(budget.costs)
    wanted = np.array(_pair_sizes(data, first))
    per_sample, fixed = (part[STRATEGIES.index(PAIRS)] for part in costs.means)
    cost = fixed + wanted / 2 * per_sample
    afforded = costs.affordable(cost)
    inside = afforded[:, 0] <= first.n * (1 + equal_cost.SNAP)
    left = ", ".join(map(str, wanted[~inside].tolist()))
    why = f"k = {left} left out, as more first answers are afforded than the {first.n} drawn"
    wanted, cost, afforded = wanted[inside], cost[inside], afforded[inside]
    if not len(wanted):
        return pd.DataFrame(), why * bool(left)
    count = len(STRATEGIES)
    table = pd.DataFrame(
        {
            "first": first.name,
            "budget": budget.name,
            "k": np.repeat(wanted, count),
            "cost": np.repeat(cost, count),
            "strategy": [one.name for one in STRATEGIES] * len(wanted),
            "afforded": afforded.ravel(),
            "answers": (afforded * [one.answers for one in STRATEGIES]).ravel(),
        }
    )
    for name in OUTCOMES:
        found = equal_cost.matched_budget(
            curves[name],
            range(1, first.n + 1),
            costs,
            cost,
            weights=data.resamples,
            confidence=data.run.experiment.analysis.confidence,
            rng=data.rng(),
        )
        columns = {f"{name}{end}": found[f"mean{end}"] for end in ENDS[:3]}
        columns |= {f"{name}_difference{end}": found[f"difference{end}"] for end in ENDS}
        table = pd.concat([table, pd.DataFrame(columns)], axis=1)
    return table, why * bool(left)


def strategy_costs(pair: Costs) -> Costs:
    """Return what a unit of each strategy costs, of the costs of a first and of a second answer.

    A second answer's cost holds that of its first one.

    Example:
        >>> costs = strategy_costs(Costs(np.array([[10.0, 25.0]]), np.array([[5.0, 5.0]])))
        >>> costs.per_sample.tolist(), costs.fixed.tolist()
        ([[10.0, 25.0, 25.0, 35.0]], [[5.0, 5.0, 5.0, 5.0]])
    """
    one, two = pair.per_sample.T
    each = [row.alone * one + row.with_second * two for row in STRATEGIES]
    return Costs(np.stack(each, axis=1), pair.fixed[:, [0, 1, 1, 1]])


def _pair_sizes(data: Data, first: Condition) -> list[int]:
    """Return the k of which k/2 pairs are looked at: those that take no more chains than drawn."""
    return [k for k in data.run.experiment.measure.k if 2 <= k <= 2 * first.n]


def _curves(data: Data, first: Condition, second: Condition) -> dict[str, Floats]:
    """Return (P, strategies, n) outcomes, over chains of which all answers are judged."""
    shape = len(data.problems), len(STRATEGIES), first.n
    most = max(_pair_sizes(data, first), default=2) // 2 + 1
    found = {name: np.full(shape, np.nan) for name in OUTCOMES}
    pairs = data.turn_pairs
    pairs = pairs[pairs["first"] == first.name] if len(pairs) else pairs
    seed = data.run.experiment.measure.seed
    for name, part in pairs.groupby("problem_id") if len(pairs) else ():
        correct, clusters = chains_of(part, second.corrections)
        if not len(correct):
            continue
        rng = pool_rng(seed, str(name), second.name, second.corrections)
        place = data.problems.get_loc(name)
        for outcome, values in strategy_outcomes(correct, clusters, most, rng).items():
            found[outcome][place, :, : len(correct)] = values
    return found


def chains_of(pairs: pd.DataFrame, corrections: int) -> tuple[Floats, Ints]:
    """Return correctness and clusters (N, 1 + M) of one problem's chains that are judged whole."""
    ordered = pairs.sort_values(["parent", "sample_index"])
    whole = ordered.groupby("parent")["right2"].transform("size") == corrections
    judged = ordered[["right1", "right2"]].notna().all(axis=1).groupby(ordered["parent"])
    kept = ordered[whole & judged.transform("all")]
    columns = []
    for one in ("right", "cluster"):
        first = kept[f"{one}1"].to_numpy().reshape(-1, corrections)[:, :1]
        columns.append(np.hstack([first, kept[f"{one}2"].to_numpy().reshape(-1, corrections)]))
    return columns[0].astype(np.float64), columns[1].astype(np.int64)


def strategy_outcomes(
    correct: Floats, clusters: Ints, most: int, rng: np.random.Generator
) -> dict[str, Floats]:
    """Return (strategies, N) outcomes of one problem by units; NaN where there are too few chains.

    Args:
        correct: (N, 1 + M) 1 where an answer is right: a chain's first one, then its M second ones.
        clusters: (N, 1 + M) their answer clusters, -1 = unanswered.
        most: the largest number of units at which strategies with a second turn are looked at.
        rng: chooses the chains of votes that have no closed form.
    """
    total = len(correct)
    first, second = correct[:, 0], correct[:, 1:]
    found = {name: np.full((len(STRATEGIES), total), np.nan) for name in OUTCOMES}
    sizes = np.arange(1, total + 1)
    found["accuracy"][0] = first.mean()
    found["coverage"][0] = pass_at_k(total, int(first.sum()), sizes)
    found["majority"][0] = maj_at_k(clusters[:, 0], first, sizes)
    either = np.maximum(correct[:, :1], second).mean(axis=1)
    whole = chain_coverage(first, either, min(most, total))
    seconds = chain_coverage(np.zeros(total), second.mean(axis=1), min(most, total))
    for row, one in enumerate(STRATEGIES[1:], start=1):
        units = sizes[: min(most, total // (one.alone + one.with_second))]
        share = one.alone / (one.alone + one.with_second)
        found["accuracy"][row, : len(units)] = share * first.mean() + (1 - share) * second.mean()
        covered = seconds if one is SECOND else whole
        found["coverage"][row, : len(units)] = covered[units * one.with_second, units * one.alone]
        if one is SECOND and second.shape[1] == 1:
            votes = maj_at_k(clusters[:, 1], second[:, 0], units)
        else:
            silent = np.where(np.arange(clusters.shape[1]) == 0, UNANSWERED, clusters)
            votes = chain_votes(
                silent if one is SECOND else clusters, correct, units,
                with_second=one.with_second, alone=one.alone, replicates=REPLICATES, rng=rng,
            )  # fmt: skip
        found["majority"][row, : len(units)] = votes
    return found


def _notes(data: Data, missing: Sequence[str]) -> list[str]:
    """Say what is compared, and what a second answer costs."""
    confidence = data.run.experiment.analysis.confidence
    meanings = "; ".join(f"{one.name}: {one.meaning}" for one in STRATEGIES)
    return [
        f"[low, high]: {confidence:.0%} intervals, the problem as the unit",
        "cost: of k/2 pairs of a problem, on average; afforded: units for that (a first answer, a "
        "pair, or a pair and a first answer); answers: those of them that count",
        meanings,
        "a second answer costs its first answer, its own prompt, in which that stands and which is "
        "read anew, and its own tokens",
        "accuracy: of a single answer, in pairs the second; coverage: any answer is right; "
        "majority: of all answers that count, ties split evenly",
        "exact, but for the majority of pairs and mixtures: over all choices of chains where these "
        f"are at most {REPLICATES}, else over as many random ones; x.5 units: one more than x for "
        "every other problem",
        "empty where less than a unit is afforded, or more than were drawn",
        "a first answer is left out with its second ones where the correctness of any of them is "
        "unknown, so that all strategies have the same chains",
        *left_out_notes(data),
        *dict.fromkeys(missing),
        star_note(f"differs from {FIRST.name} at the same cost"),
    ]
