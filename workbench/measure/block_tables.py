"""Tables that are made of each block's pools, problem by problem, in one process or several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from operator import itemgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from workbench.core.conditions import Condition, drawing_key, in_order
from workbench.core.console import progress_bar
from workbench.core.parallel import spread
from workbench.storage.parquet import write_table
from workbench.storage.run_folder import Folder

TYPES = {name: pa.int32() for name in ("k", "replicate", "num_correct")} | {"coverage": pa.bool_()}
"""Of columns that are not what their numbers are; NaN is null there, as in ``…_correct``."""

Parts = dict[str, list[tuple[int, Any]]]
"""By table, its parts, each with its place in the block: a dict of columns, or a list of rows."""
Share = tuple[int, int, int]
"""A block, which share of its problems, and of how many shares."""


def write_block_tables(
    folder: Folder,
    names: Sequence[str],
    made_from: Mapping[int, str],
    work: Callable[[Share], Parts],
    workers: int,
    label: str,
) -> None:
    """Make some tables of the blocks in ``made_from``, which has the fingerprint of each.

    The work of a share is to make its parts of all the tables. Workers are processes. The tables do
    not depend on how many there are, by a byte.

    Raises:
        ValueError: a worker was ended from outside.
    """
    # whole blocks where these are many, so that each is read once
    shares = 1 if len(made_from) >= 4 * workers else workers
    tasks = [(block, share, shares) for block in made_from for share in range(shares)]
    with (
        progress_bar(label, len(made_from), "blocks") as advance,
        closing(spread(work, tasks, workers)) as results,
    ):
        for block, fingerprint in made_from.items():
            made = [next(results) for _ in range(shares)]
            for name in names:
                table = assembled([part for share in made for part in share[name]])
                write_table(folder.block_path(name, block), table, fingerprint)
            advance(1)


def sizes_listed(conditions: Sequence[Condition]) -> list[list[float | str | None]]:
    """Return the sizes of pools as JSON has them, in the order of tables.

    A pool goes by its temperature where this alone makes its condition, so that what was made
    before there were other factors is still up to date.
    """
    ordered = in_order(conditions)
    return [[drawing_key(one.name, one.temperature), one.n] for one in ordered]


def assembled(parts: Sequence[tuple[int, Any]]) -> pa.Table:
    """Put the parts of a table in their places, with fixed types."""
    ordered = [part for _, part in sorted(parts, key=itemgetter(0))]
    if ordered and isinstance(ordered[0], Mapping):
        columns = {key: _stacked(key, [part[key] for part in ordered]) for key in ordered[0]}
        return _unknown_as_null(pa.table(columns))
    return _unknown_as_null(pa.Table.from_pylist([row for rows in ordered for row in rows]))


def _stacked(name: str, parts: Sequence[Any]) -> pa.Array:
    """Return the column made of the arrays of several pools."""
    if name == "members":
        flat = np.concatenate([part.ravel() for part in parts]).astype(np.int32)
        lengths = np.concatenate([np.full(len(part), part.shape[1]) for part in parts])
        ends = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
        return pa.ListArray.from_arrays(ends, flat)
    values = np.concatenate(parts)
    kind = pa.bool_() if name.endswith("_correct") and name != "num_correct" else TYPES.get(name)
    if kind is None:
        return pa.array(values)
    unknown = np.isnan(values)
    return pa.array(np.where(unknown, 0, values).astype(kind.to_pandas_dtype()), mask=unknown)


def _unknown_as_null(table: pa.Table) -> pa.Table:
    """Store an unknown temperature as null, as the samples have it."""
    if "temperature" not in table.schema.names:
        return table
    values = table.column("temperature").combine_chunks().cast(pa.float64())
    place = table.schema.names.index("temperature")
    known = pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), values)
    return table.set_column(place, "temperature", known)
