"""A finished run's subsets measured again, with metrics that were not asked for then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from functools import cached_property

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits

from workbench.config.schema import Measure
from workbench.core.lookup import lookup
from workbench.core.types import Floats
from workbench.measure.evaluate import LOG_QUALITY, compute_known
from workbench.metrics import INTERMEDIATES, METRICS
from workbench.pools import Pool
from workbench.storage.subset_table import drawn_subsets

OF_POOLS = (
    *(field.name for field in fields(Pool)),
    *(name for name, value in vars(Pool).items() if isinstance(value, cached_property)),
)
"""What a pool has to hand to a metric."""


def check_needs(names: Sequence[str]) -> None:
    """Refuse a metric, such as one of a plug-in, that asks for what no pool has.

    Raises:
        ValueError: there is no such metric or need; the message lists what there is.
    """
    known = dict.fromkeys((*OF_POOLS, *INTERMEDIATES, LOG_QUALITY, "subsets"))
    for name in names:
        for need in METRICS[name].needs:
            lookup(known, need, f"need of metric {name!r}")


def measured_again(
    subsets: Iterable[tuple[int, pa.Table]],
    pools: Callable[[int], Iterator[Pool]],
    settings: Measure,
    names: Sequence[str],
) -> Iterator[pa.Table]:
    """Yield a run's subsets, by number of the block, with a column for each of some metrics.

    One of the ``pools`` of a block is held at a time, and each metric sees a pool's subsets of one
    size together, as in ``measure``.

    Raises:
        ValueError: there is no such metric, it asks for what no pool has or gives something other
            than one number for each subset.
    """
    check_needs(names)
    for block, table in subsets:
        measured = table
        if table.num_rows:
            for name, values in _measured(pools(block), table, settings, names).items():
                measured = measured.drop_columns([n for n in measured.column_names if n == name])
                measured = measured.append_column(name, pa.array(values))
        yield measured


def _measured(
    pools: Iterable[Pool], table: pa.Table, settings: Measure, names: Sequence[str]
) -> dict[str, Floats]:
    """One (rows,) column per metric, of the subsets of a block."""
    drawn = drawn_subsets(table)
    columns = {name: np.full(table.num_rows, np.nan) for name in names}
    with threadpool_limits(1, user_api="blas"):  # as ``measure`` does: the same sums
        for pool in pools:
            for subsets in drawn.get((pool.problem_id, pool.condition), {}).values():
                for name, values in compute_known(names, pool, subsets.members, settings).items():
                    columns[name][subsets.rows] = values
    return columns
