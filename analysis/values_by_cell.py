"""Outcomes of a run as an array: problems, conditions and sizes of subsets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from workbench.analysis.factor_design import sampled
from workbench.analysis.frames import Data
from workbench.core.conditions import Condition
from workbench.core.types import Floats
from workbench.metrics import METRICS


def pooled_conditions(data: Data) -> list[Condition]:
    """Return the sampled conditions of which there is any pool, in the order of tables."""
    there = {*data.expectations["condition"].astype(str)}
    return [one for one in sampled(data.conditions) if one.name in there]


def values_by_cell(
    data: Data,
    frame: pd.DataFrame,
    columns: Sequence[str],
    conditions: Sequence[Condition],
    sizes: Sequence[int] | None = None,
) -> Floats:
    """Return (P, C, K, Y) means of Y columns by problem, condition and k; NaN where there are none.

    Rows of other conditions and sizes are left aside, and an infinite value is none. Without sizes
    all rows are of one, and K is 1.
    """
    names = pd.Index([condition.name for condition in conditions])
    places = names.get_indexer(pd.Index(frame["condition"].astype(str)))
    ranks = np.zeros(len(frame), dtype=np.int64)
    if sizes is not None:
        ranks = np.asarray(pd.Index(sizes).get_indexer(pd.Index(frame["k"])))
    kept = (places >= 0) & (ranks >= 0)
    shape = len(names), 1 if sizes is None else len(sizes)
    rows = frame.loc[kept, ["problem_id", *columns]]
    rows = rows.replace([np.inf, -np.inf], np.nan)
    found = data.sums(rows, columns, (places * shape[1] + ranks)[kept].astype(np.int64)).means
    cells = np.full((len(data.problems), shape[0] * shape[1], len(columns)), np.nan)
    cells[:, : found.shape[1]] = found
    return cells.reshape(len(data.problems), *shape, len(columns))


def diversity_columns(data: Data) -> tuple[pd.DataFrame, list[str]]:
    """Return the judged subsets with the run's metrics as numbers, and the names of these columns.

    A DPP has a second one, ``NAME_no_repeats``, over the subsets that hold no text twice.
    """
    frame = data.judged
    columns = {name: frame[name].astype(float) for name in data.metrics}
    for name in data.metrics:
        if "log_volumes" in METRICS[name].needs:  # a repeat costs a DPP about log of the jitter
            repeats = frame["has_repeat"].astype(bool)
            columns[f"{name}_no_repeats"] = columns[name].mask(repeats)
    keys = {name: frame[name] for name in ("problem_id", "condition", "k")}
    return pd.DataFrame(keys | columns), list(columns)
