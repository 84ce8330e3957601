"""How diverse a pool's right samples are, and its wrong ones, at equal footing."""

from __future__ import annotations

from typing import Any

import numpy as np

from workbench.config.schema import Measure
from workbench.core.conditions import drawing_key
from workbench.core.subsets import choose_subsets, pool_rng
from workbench.core.types import Floats
from workbench.measure.evaluate import compute_all
from workbench.pools import Pool

GROUPS = ("all", "correct", "wrong")


def split_size(settings: Measure) -> int | None:
    """Return how many samples of each group are looked at: the smallest k of 2 or more."""
    return min((k for k in settings.k if k > 1), default=None)


def split_pool(pool: Pool, settings: Measure) -> list[dict[str, Any]]:
    """Return each metric's mean over random k-subsets of all, the right and the wrong samples.

    Most measures of diversity depend on the number of samples, so all three groups are looked at
    k at a time; a pool in which fewer than k are right or fewer than k are wrong says nothing.

    Returns:
        A row per group (key, k, ``group``, one column per metric), or none.
    """
    k = split_size(settings)
    right, wrong = (np.flatnonzero(pool.correct == value) for value in (1, 0))
    members = dict(zip(GROUPS, (np.arange(len(pool)), right, wrong), strict=True))
    if k is None or not settings.metrics or min(map(len, members.values())) < k:
        return []
    rows = []
    for number, (group, inside) in enumerate(members.items()):
        seed = settings.seed + number
        drawn_by = drawing_key(pool.condition, pool.temperature)
        rng = pool_rng(seed, f"split|{pool.problem_id}", drawn_by, k)
        drawn = choose_subsets(len(inside), k, settings.replicates, rng)
        found = compute_all(settings.metrics, pool, inside[drawn], settings)
        key = {**pool.key, "k": k}
        means = {name: _mean_known(values) for name, values in found.items()}
        rows.append({**key, "group": group, **means})
    return rows


def _mean_known(values: Floats) -> float:
    """Mean of the values that are defined, NaN where none is."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
