"""Pools mixed across temperatures: what one would have drawing from several at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise, zip_longest
from typing import Any

import numpy as np

from workbench.core.types import Ints
from workbench.pools import Pool


def mixed_pools(pools: Iterable[Pool]) -> Iterator[Pool]:
    """Yield one mixed pool for each problem that has pools at two or more temperatures.

    It has as many samples as the largest of them: the first of each temperature, then the second
    of each, and so on, so that it costs what one pool costs and compares with it at equal N and k.
    Samples of one pool are independent draws, so the first are as good as any. Greedy and other
    samples at temperature 0 are left out.

    Args:
        pools: scored pools in any order; all are held until the last has come.

    Yields:
        Pools without a temperature, problems in the order of their first pool.
    """
    found: dict[str, list[Pool]] = {}
    for pool in pools:
        if pool.temperature is not None and pool.temperature > 0:
            found.setdefault(pool.problem_id, []).append(pool)
    for parts in found.values():
        if len(parts) > 1:
            yield _mixed(sorted(parts, key=lambda pool: pool.temperature or 0.0))


def _mixed(parts: Sequence[Pool]) -> Pool:
    starts = np.cumsum([0, *(len(part) for part in parts)])
    places = [range(start, end) for start, end in pairwise(starts)]
    in_turn = [place for place in chain.from_iterable(zip_longest(*places)) if place is not None]
    order = np.array(in_turn[: max(len(part) for part in parts)])
    fields = {
        field.name: _joined([getattr(part, field.name) for part in parts], order)
        for field in dataclasses.fields(Pool)
    }
    return Pool(**{**fields, "temperature": None})


def _joined(values: Sequence[Any], order: Ints) -> Any:
    """Join one field of several pools and take its entries in an order; others are the first's."""
    first = values[0]
    if isinstance(first, np.ndarray):
        return np.concatenate(values)[order]
    if isinstance(first, tuple):
        joined = tuple(chain.from_iterable(values))
        return tuple(joined[place] for place in order)
    if isinstance(first, dict):
        return {name: _joined([value[name] for value in values], order) for name in first}
    return first
