"""Which pools of the runs vote together: those that are named, or all that were sampled."""

from __future__ import annotations

from collections.abc import Sequence

from workbench.core.lookup import lookup
from workbench.saved_run import Run

Voter = tuple[str, str]
"""A run's name and a condition."""


def chosen_pools(
    runs: Sequence[Run], names: Sequence[str], pools: Sequence[str] = ()
) -> list[Voter]:
    """Return the pools that vote.

    Args:
        runs: all that may be named.
        names: of the runs.
        pools: ``RUN:CONDITION`` each, or ``CONDITION`` where there is one run.

    Raises:
        ValueError: a name is not known (the message tells the nearest) or given twice, or there
            are fewer than two pools.
    """
    sampled = [
        (name, one.name)
        for name, run in zip(names, runs, strict=True)
        for one in run.conditions
        if one.temperature != 0
    ]
    prefix = f"{names[0]}:" if len(runs) == 1 else ""
    known = {f"{name}:{at}".removeprefix(prefix): (name, at) for name, at in sampled}
    found: list[Voter] = []
    for given in pools:
        voter = lookup(known, given.removeprefix(prefix), "pool")
        if voter in found:
            raise ValueError(f"the pool {given!r} is given twice; name each pool once")
        found.append(voter)
    if len(found) == 1:
        raise ValueError(
            f"a joint vote needs two pools, got {pools[0]!r} alone (known: {', '.join(known)})"
        )
    if len(known) < 2:
        raise ValueError(
            f"{runs[0].root} has one sampled pool per problem, and a joint vote needs two; name "
            "several runs, or a run of several conditions"
        )
    return found or sampled
