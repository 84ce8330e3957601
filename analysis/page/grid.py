"""The data of a page's grid: how often each problem is answered right in each condition.

It holds every problem of the run, also those whose samples are too many for the page.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd

from workbench.analysis.page.packing import json_numbers
from workbench.core.conditions import spell_condition
from workbench.saved_run import Run

POOL = ["problem_id", "condition"]


def pool_outcomes(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a row per pool of a block: samples, right ones, unknown ones, entropy of answers.

    The entropy is that of the distribution of votes over answers [bits]; samples without an answer
    do not vote, and it is missing where none votes.
    """
    known = frame["is_correct"].astype("Float64")
    flags = frame[POOL].assign(samples=1, right=known.eq(1).fillna(False), unknown=known.isna())
    found: pd.DataFrame = flags.groupby(POOL, sort=False).sum().astype(int)
    clusters = frame["answer_cluster"].astype("Float64")
    voting = frame[clusters.ge(0).fillna(False).astype(bool)]
    votes = voting.groupby([*POOL, "answer_cluster"], sort=False).size().astype(float)
    shares = votes / votes.groupby(POOL).transform("sum")
    entropies = (-shares * np.log2(shares)).groupby(POOL).sum()
    return found.assign(entropy=entropies.reindex(found.index).clip(lower=0)).reset_index()


def grid_of(run: Run, pools: Sequence[pd.DataFrame], shown: Collection[str]) -> dict[str, Any]:
    """Return the grid of a run, as JSON knows it; empty where there is no sample.

    Args:
        run: any run; where it is measured, its exact expectations tell what a vote loses.
        pools: ``pool_outcomes`` of each block.
        shown: the problems whose samples are on the page.
    """
    if not pools:
        return {}
    every = pd.concat(pools)
    ids = list(dict.fromkeys(every["problem_id"].astype(str)))
    present = set(every["condition"])
    names = [one.name for one in run.conditions if one.name in present]
    counts = {
        name: every.pivot(index="problem_id", columns="condition", values=name).reindex(
            index=ids, columns=names
        )
        for name in ("samples", "right", "unknown", "entropy")
    }
    several = [name for name in names if counts["samples"][name].max() > 1] or names
    share = counts["right"] / (counts["samples"] - counts["unknown"]).replace(0, np.nan)
    k, loss = _vote_loss(run, several)
    columns = {
        name: counts[name].fillna(0).astype(int).to_numpy().T
        for name in ("samples", "right", "unknown")
    }
    return {
        "ids": ids,
        "shown": [int(name in shown) for name in ids],
        "conditions": [shown_condition(name) for name in names],
        **{name: values.tolist() for name, values in columns.items()},
        "mean": json_numbers(share[several].mean(axis=1)),
        "entropy": json_numbers(counts["entropy"][several].mean(axis=1)),
        "loss": json_numbers(loss.reindex(ids)) if k else None,
        "k": k,
    }


def _vote_loss(run: Run, conditions: Sequence[str]) -> tuple[int, pd.Series[float]]:
    """Return the largest k and, by problem, the mean of pass@k - maj@k over conditions."""
    try:
        exact = run.read("expectations")
    except ValueError:  # it is not measured
        return 0, pd.Series(dtype=float)
    exact = exact[exact["condition"].isin(conditions)]
    if exact.empty or "maj@k" not in exact:
        return 0, pd.Series(dtype=float)
    k = int(exact["k"].max())
    at_k = exact[exact["k"] == k]
    lost: pd.Series[float] = (at_k["pass@k"] - at_k["maj@k"]).groupby(at_k["problem_id"]).mean()
    return k, lost


def shown_condition(name: str) -> str:
    """Return what the explorer calls a condition: its temperature, where this is all, or its name.

    Example:
        >>> shown_condition("T0.7"), shown_condition("T0.7-min_p0.1"), shown_condition("unknown")
        ('0.7', 'T0.7-min_p0.1', 'unknown')
    """
    return spell_condition(name).removeprefix("T = ")
