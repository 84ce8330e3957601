"""Table of conditions at equal cost: what each buys for the same tokens, operations or price."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from workbench.analysis.budget_costs import Budget, budgets_of
from workbench.analysis.frames import ENDS, Data, Table, with_q_values
from workbench.analysis.known_outcomes import exact_columns
from workbench.analysis.stats import matched_budget as equal_cost
from workbench.analysis.stats.matched_budget import Costs
from workbench.analysis.tables.shared import sample_size_notes, star_note
from workbench.analysis.values_by_cell import diversity_columns, pooled_conditions, values_by_cell
from workbench.core.conditions import Condition, spell_condition
from workbench.core.types import Floats, Ints
from workbench.metrics.passk import pass_at_k

COVERAGE = "coverage"
Curve = tuple[str, list[int], Floats]
"""An outcome, the sizes at which it is known, and its (P, C, K) values."""


def matched_budget(data: Data) -> Table:
    """Accuracy, coverage and diversity of each condition at equal cost, by kind of budget and k."""
    conditions = pooled_conditions(data)
    if len(conditions) < 2:
        return Table(pd.DataFrame(), ("there is one condition: nothing to compare at equal cost",))
    budgets, unknown = budgets_of(data, conditions)
    sizes = sorted(int(k) for k in data.judged["k"].unique())
    most = max(one.n for one in conditions)
    within = {budget: _within(budget.costs, sizes, most) for budget in budgets}
    unknown += _beyond(within, sizes)
    within = {budget: some for budget, some in within.items() if some}
    if not within:
        return Table(pd.DataFrame(), tuple(unknown))
    reference = _reference(conditions)
    tables = {budget: _keys(budget, some, conditions) for budget, some in within.items()}
    known_at: dict[str, list[str]] = {}
    left_out: dict[str, int] = {}
    for curve in _curves(data, conditions, sizes):
        name, places, _ = curve
        known_at.setdefault(", ".join(map(str, places)), []).append(name)
        for budget, table in [*tables.items()]:
            columns, missing = _at_budgets(data, curve, budget, within[budget], reference)
            tables[budget] = pd.concat([table, columns], axis=1)
            left_out[name] = max(left_out.get(name, 0), missing)
    notes = (
        *sample_size_notes(data),
        "cost: what k samples of a problem cost, on average, in the condition in which they cost "
        "most; afforded: how many samples of its own a condition has for that",
        "x.5 samples: one more than x for every other problem, drawn at random",
        *(f"{budget.name}: {budget.meaning}" for budget in tables),
        *unknown,
        *_outcome_notes(data, known_at, left_out),
        f"…_difference: to {spell_condition(conditions[reference].name)}, at the same cost",
        star_note(f"differs from {spell_condition(conditions[reference].name)}"),
    )
    return Table(with_q_values(pd.concat(tables.values(), ignore_index=True)), notes)


def _at_budgets(
    data: Data, curve: Curve, budget: Budget, sizes: Sequence[int], reference: int
) -> tuple[pd.DataFrame, int]:
    """Return an outcome's columns, a row per k and condition, and how many problems lack it."""
    name, places, values = curve
    found = equal_cost.matched_budget(
        values,
        places,
        budget.costs,
        budget.costs.budgets(sizes),
        reference=reference,
        weights=data.resamples,
        confidence=data.run.experiment.analysis.confidence,
        rng=data.rng(),
    )
    columns = {f"{name}{end}": found[f"mean{end}"] for end in ENDS[:3]}
    columns |= {f"{name}_difference{end}": found[f"difference{end}"] for end in ENDS}
    left_out = found["left_out"][found["mean"].notna()]
    return pd.DataFrame(columns), int(left_out.max()) if len(left_out) else 0


def _outcome_notes(
    data: Data, known_at: Mapping[str, list[str]], left_out: Mapping[str, int]
) -> list[str]:
    """Say between which sizes outcomes are interpolated, and what is not there."""
    lines = [
        f"{', '.join(name for name in names if name != COVERAGE)} at k = {sizes}"
        for sizes, names in known_at.items()
        if names != [COVERAGE]
    ]
    without = [name for name in data.outcomes if name not in exact_columns(data)]
    few = ", ".join(f"{name} {count}" for name, count in left_out.items() if count)
    return [
        "coverage is known at every k; all else is on the straight line between two sizes at which "
        f"it is known, which is too low where a curve flattens: {'; '.join(lines)}",
        "empty where more samples are afforded than were drawn, or fewer than the least at which "
        "an outcome is known",
        *[f"no exact expectation is known, so not here: {', '.join(without)}"] * bool(without),
        *[f"problems left out, as a value or a cost is missing (at most): {few}"] * bool(few),
    ]


def _reference(conditions: Sequence[Condition]) -> int:
    """Return the place of the first condition that is as the experiment sets all but its heat."""
    plain = [place for place, one in enumerate(conditions) if not one.changed]
    return plain[0] if plain else 0


def _within(costs: Costs, sizes: Sequence[int], most: int) -> list[int]:
    """Return the k whose cost affords two conditions or more no more samples than there are."""
    afforded = costs.affordable(costs.budgets(sizes))  # (B, C)
    enough = (afforded <= most * (1 + equal_cost.SNAP)).sum(axis=1) >= 2
    return [k for k, there in zip(sizes, enough.tolist(), strict=True) if there]


def _beyond(within: Mapping[Budget, list[int]], sizes: Sequence[int]) -> list[str]:
    """Name the k that are left out, as fewer than two conditions could be compared."""
    left = {one.name: [str(k) for k in sizes if k not in there] for one, there in within.items()}
    found = "; ".join(f"k = {', '.join(ks)} of {name}" for name, ks in left.items() if ks)
    what = "all conditions but one afford more samples than were drawn (raise generation.n)"
    return [f"left out, as {what}: {found}"] * bool(found)


def _keys(budget: Budget, sizes: Sequence[int], conditions: Sequence[Condition]) -> pd.DataFrame:
    """Return a row for each k and condition: the cost, and how many samples it affords."""
    costs = budget.costs.budgets(sizes)
    count = len(conditions)
    return pd.DataFrame(
        {
            "budget": budget.name,
            "k": np.repeat(sizes, count),
            "cost": np.repeat(costs, count),
            "condition": [one.name for one in conditions] * len(sizes),
            "afforded": budget.costs.affordable(costs).ravel(),
        }
    )


def _curves(data: Data, conditions: Sequence[Condition], sizes: Sequence[int]) -> Iterator[Curve]:
    """Yield what is known of each outcome by problem, condition and number of samples."""
    exact = data.exact
    known = sorted(int(k) for k in exact["k"].unique())
    for name, column in exact_columns(data).items():
        if name != COVERAGE:
            yield name, known, values_by_cell(data, exact, [column], conditions, known)[..., 0]
    yield _coverage(data, conditions, known)
    frame, metrics = diversity_columns(data)
    for name in metrics if len(sizes) > 1 else ():
        yield name, list(sizes), values_by_cell(data, frame, [name], conditions, sizes)[..., 0]


def _coverage(data: Data, conditions: Sequence[Condition], known: Sequence[int]) -> Curve:
    """Return the exact coverage at every number of samples.

    Of a pool with unknown samples it ends where the other outcomes end, at the last of the sizes at
    which those are known, so that at any cost all are over the same problems.
    """
    ones = data.expectations[data.expectations["k"] == 1]
    ones = ones.assign(judged=ones["n"] - ones["num_unknown"])
    counts = values_by_cell(data, ones, ["judged", "num_correct"], conditions)[:, :, 0]
    pools = np.nan_to_num(counts).astype(np.int64).reshape(-1, 2)
    distinct, inverse = np.unique(pools, axis=0, return_inverse=True)  # few counts differ
    sizes: Ints = np.arange(1, max(known, default=1) + 1)
    curves = np.full((len(distinct), len(sizes)), np.nan)
    for row, (judged, right) in enumerate(distinct):
        last = max((k for k in known if k <= judged), default=0)
        if last:
            curves[row, :last] = pass_at_k(judged, right, sizes[:last])
    values = curves[inverse.reshape(-1)].reshape(*counts.shape[:2], len(sizes))
    return COVERAGE, sizes.tolist(), values
