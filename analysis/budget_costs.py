"""What samples cost, by problem and condition, in each unit that budgets are compared in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from workbench.analysis.frames import Data
from workbench.analysis.stats.matched_budget import Costs
from workbench.analysis.values_by_cell import values_by_cell
from workbench.config.conditions import loading_of, price_of
from workbench.core.conditions import Condition
from workbench.core.types import Floats

GIGA = 1e9
FACTS = ("mean_tokens", "mean_prompt_tokens", "prompt_flops", "completion_flops")


@dataclass(frozen=True, eq=False)
class Budget:
    """A unit that costs are counted in."""

    name: str
    """As the table has it."""
    meaning: str
    """What is counted, for the note beneath."""
    costs: Costs
    """Of a problem's samples, (P, C)."""


def budgets_of(data: Data, conditions: Sequence[Condition]) -> tuple[list[Budget], list[str]]:
    """Return the budgets in which the conditions can be compared, and why others are left out.

    A condition whose cost is unknown for every problem is NaN, and a sentence says so. A budget
    that is known of fewer than two conditions is left out. A second answer costs its first answer
    too, and its own prompt, which is read for it alone.
    """
    drawn, prompt, read, written, again, read_again = _facts(data, conditions)
    nothing = np.zeros_like(drawn)
    found = [
        Budget("completion tokens", "tokens drawn, prompts not counted", Costs(drawn, nothing)),
        Budget(
            "all tokens, prompt once",
            "tokens drawn, and those of the prompt once for all samples of a problem, as where "
            "its prefix is cached",
            Costs(drawn + again, prompt),
        ),
        Budget(
            "all tokens, prompt per sample",
            "tokens drawn, and those of the prompt with every sample",
            Costs(drawn + again + prompt, nothing),
        ),
        Budget(
            "GFLOPs",
            "10^9 floating-point operations: 2 x parameters x tokens, and attention; the prompt "
            "is read once for all samples of a problem",
            Costs((written + read_again) / GIGA, read / GIGA),
        ),
    ]
    if any(price_of(one, data.run.experiment.generation) for one in conditions):
        meaning = "price of the samples of 1,000 problems, the prompt paid for with every sample"
        prices = Costs(_prices(data, conditions, drawn, prompt + again), nothing)
        found.append(Budget("price", meaning, prices))
    kept, notes = [], []
    for budget in found:
        there = ~np.isnan(budget.costs.per_sample + budget.costs.fixed)
        unknown = [conditions[place] for place in np.flatnonzero(~there.any(axis=0))]
        enough = len(conditions) - len(unknown) >= 2
        if enough:
            kept.append(budget)
        if unknown:
            where = ", ".join(one.name for one in unknown) if enough else ""
            notes.append(_why(data, budget, unknown, where))
    return kept, notes


def with_first_answers(data: Data, columns: Sequence[str]) -> pd.DataFrame:
    """Return the pools with some columns of costs; those of second answers hold their first ones'.

    Other columns than these are the pool's key alone.
    """
    pools = data.pools[["problem_id", "condition", *columns]]
    first_of = {one.name: one.first for one in data.conditions if one.first}
    if not first_of:
        return pools
    found = pools.assign(condition=pools["condition"].astype(str))
    before = found.set_index(["problem_id", "condition"])[[*columns]]
    names = found["condition"].map(first_of)
    firsts = before.reindex(pd.MultiIndex.from_arrays([found["problem_id"], names]))
    added = np.where(names.notna().to_numpy()[:, None], firsts.to_numpy(dtype=float), 0.0)
    found[[*columns]] = found[[*columns]].to_numpy(dtype=float) + added
    return found.assign(condition=pools["condition"])


def _facts(data: Data, conditions: Sequence[Condition]) -> tuple[Floats, ...]:
    """Return (P, C) each: what samples and prompts of first answers cost, and of second ones' own.

    Tokens drawn, tokens of the prompt, operations for reading it and for drawing: of a condition of
    second answers those of the first ones with them. Then tokens of the second prompt, and
    operations for reading it: 0 of first answers.
    """
    by_name = {one.name: one for one in data.conditions}
    values = values_by_cell(data, data.pools, FACTS, conditions)[:, :, 0]  # (P, C, facts)
    drawn, prompt, read, written = np.moveaxis(values, -1, 0)
    again, read_again = np.zeros_like(drawn), np.zeros_like(drawn)
    for place, one in enumerate(conditions):
        if one.first:
            before = values_by_cell(data, data.pools, FACTS, [by_name[one.first]])[:, 0, 0].T
            again[:, place], read_again[:, place] = prompt[:, place], read[:, place]
            drawn[:, place] += before[0]
            prompt[:, place], read[:, place] = before[1], before[2]
            written[:, place] += before[3]
    return drawn, prompt, read, written, again, read_again


def _prices(data: Data, conditions: Sequence[Condition], drawn: Floats, prompt: Floats) -> Floats:
    """(P, C) what a sample costs, times 1,000; NaN where the experiment gives no price."""
    found = np.full_like(drawn, np.nan)
    for place, one in enumerate(conditions):
        price = price_of(one, data.run.experiment.generation)
        if price is not None:
            asked = price.input * prompt[:, place] if price.input else 0.0
            found[:, place] = (asked + price.output * drawn[:, place]) / 1e6 * 1000
    return found


def _why(data: Data, budget: Budget, unknown: Sequence[Condition], where: str) -> str:
    """Say why a cost is unknown, in some conditions or, with no ``where``, in too many."""
    sizes = data.model_sizes
    generation = data.run.experiment.generation
    if budget.name == "price":
        reason = "the experiment gives no price"
    elif budget.name == "GFLOPs" and isinstance(sizes[unknown[0].name], str):
        model = loading_of(unknown[0], generation).model
        reason = f"the size of the model {model} is unknown: {sizes[unknown[0].name]}"
    elif data.pools["mean_tokens"].isna().all() or budget.name == "completion tokens":
        reason = "the lengths of the samples are unknown"
    else:
        reason = "the lengths of the prompts are unknown"
    left = f"no numbers in {where}" if where else "left out"
    return f"budget {budget.name}: {left}, as {reason}"
