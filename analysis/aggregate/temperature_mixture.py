"""Pools mixed across conditions: what one would have drawing from several at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np

from workbench.core.conditions import MIXED
from workbench.core.types import Ints
from workbench.pools import Pool


def mixed_pools(pools: Iterable[Pool], names: Collection[str] = ()) -> Iterator[Pool]:
    """Yield one mixed pool for each problem that has pools in two or more conditions.

    It has as many samples as the largest of them: the first of each condition, then the second
    of each, and so on, so that it costs what one pool costs and compares with it at equal N and k.
    Samples of one pool are independent draws, so the first are as good as any. Greedy and other
    samples at temperature 0 are left out. The condition of a mixed pool is ``mixed``, and it has no
    temperature.

    Args:
        pools: of one problem or several.
        names: the conditions that are mixed; by default all of them.
    """
    found: dict[str, list[Pool]] = {}
    for pool in pools:
        drawn = pool.temperature is not None and pool.temperature > 0
        if drawn and (not names or pool.condition in names):
            found.setdefault(pool.problem_id, []).append(pool)
    for parts in found.values():
        if len(parts) > 1:
            yield _mixed(sorted(parts, key=lambda pool: pool.temperature or 0.0))


def _mixed(parts: Sequence[Pool]) -> Pool:
    turns = np.concatenate([np.arange(len(part)) for part in parts])
    order = np.argsort(turns, kind="stable")[: max(map(len, parts))]
    return dataclasses.replace(samples_of(parts, order), condition=MIXED, temperature=None)


def samples_of(pools: Sequence[Pool], order: Ints) -> Pool:
    """Return the pool of some samples of several, by their places one pool behind the other."""
    names = [field.name for field in dataclasses.fields(Pool)]
    return Pool(**{n: _joined([getattr(pool, n) for pool in pools], order) for n in names})


def _joined(values: Sequence[Any], order: Ints) -> Any:
    """Join one field of several pools and take its entries in an order; others are the first's."""
    first = values[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(values)[order]
    if isinstance(first, tuple) and first:
        joined = list(chain.from_iterable(values))
        return tuple(joined[place] for place in order)
    if isinstance(first, dict):
        return {name: _joined([value[name] for value in values], order) for name in first}
    return first
