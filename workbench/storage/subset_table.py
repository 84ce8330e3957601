"""The table of subsets: which samples of its pool each subset holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from workbench.core.types import Ints
from workbench.storage.parquet import CONDITION

SUBSET_KEY = ("problem_id", CONDITION, "temperature", "k", "replicate")


@dataclass(frozen=True, eq=False)
class DrawnSubsets:
    """All subsets of one size of one pool."""

    rows: Ints
    """(S,) the rows of the block's table that they stand in."""
    members: Ints
    """(S, K) indices into the pool, in drawn order."""


def drawn_subsets(table: pa.Table) -> dict[tuple[str, str], dict[int, DrawnSubsets]]:
    """Return a block's subsets by (problem_id, condition) and size, in the order of the table."""
    if not table.num_rows:
        return {}
    members = table.column("members").combine_chunks()
    keys = table.select(["problem_id", CONDITION, "k"]).to_pandas()
    found: dict[tuple[str, str], dict[int, DrawnSubsets]] = {}
    groups = keys.groupby(["problem_id", CONDITION, "k"], sort=False)
    for (problem, condition, k), rows in groups.indices.items():
        flat = members.take(pa.array(rows)).flatten().to_numpy()
        drawn = DrawnSubsets(rows, flat.reshape(-1, int(k)).astype(np.int64))
        found.setdefault((str(problem), str(condition)), {})[int(k)] = drawn
    return found


def side_by_side(subsets: pa.Table, outcomes: pa.Table) -> pa.Table:
    """Return subsets with the outcomes of each beside its members.

    Outcomes of other subsets, which were measured since, are left out; so are those that an older
    version of this project stored among the metrics.
    """
    keys = [name for name in SUBSET_KEY if name in subsets.column_names]
    if not subsets.num_rows or not subsets.select(keys).equals(outcomes.select(keys)):
        return subsets
    added = [name for name in outcomes.column_names if name not in SUBSET_KEY]
    first = [name for name in (*SUBSET_KEY, "members") if name in subsets.column_names]
    rest = [name for name in subsets.column_names if name not in (*first, *added)]
    parts = (subsets.select(first), outcomes.select(added), subsets.select(rest))
    return pa.table({name: part.column(name) for part in parts for name in part.column_names})
