"""Metrics of subsets of a pool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.config.schema import Measure
from workbench.core.lookup import lookup
from workbench.core.subsets import members_of
from workbench.core.types import Floats, Ints
from workbench.metrics import INTERMEDIATES, METRICS
from workbench.rewards import REWARDS

if TYPE_CHECKING:
    from workbench.pools import Pool

LOG_QUALITY = "log_quality"
"""What ``qual_dpp`` needs of a pool: which reward it is made of, only the experiment says."""


def log_quality(pool: Pool, reward: str | None) -> Floats:
    """Return the logarithm of each sample's quality in ``qual_dpp``, (N,); NaN where it has none.

    Without a reward it is the mean log-probability, as in the study.

    Raises:
        ValueError: the pool has no such reward.
    """
    if reward is None:
        return pool.logprobs
    values = lookup(pool.rewards, reward, "reward of this pool")
    if lookup(REWARDS, reward, "reward").is_log:
        return values
    with np.errstate(divide="ignore"):  # the logarithm of 0 is minus infinity, as it should be
        return np.asarray(np.log(values))


def compute_all(
    names: Sequence[str], pool: Pool, subsets: Ints, settings: Measure
) -> dict[str, Floats]:
    """Apply metrics of ``METRICS`` to subsets (S, K) of a pool; what they share is worked out once.

    Returns:
        One (S,) column per name, in the order asked for.

    Raises:
        ValueError: there is no such metric, the pool has not what it needs, or an index is not of
            the pool.
    """
    lines = {name: lookup(METRICS, name, "metric") for name in names}
    known: dict[str, Any] = {"subsets": members_of(subsets, len(pool))}

    def need(name: str) -> Any:
        if name not in known and name in INTERMEDIATES:
            line = INTERMEDIATES[name]
            options = {word: getattr(settings, field) for word, field in line.settings.items()}
            known[name] = line.fn(*map(need, line.needs), **options)
        if name == LOG_QUALITY and name not in known:
            known[name] = log_quality(pool, settings.dpp_quality)
        return known[name] if name in known else getattr(pool, name)

    return {name: line.fn(*map(need, line.needs)) for name, line in lines.items()}


def compute_known(
    names: Sequence[str], pool: Pool, subsets: Ints, settings: Measure
) -> dict[str, Floats]:
    """Do as ``compute_all``, but with NaN for subsets that hold a failed sample: it has no text.

    Raises:
        ValueError: as ``compute_all``, or a metric, such as one of a plug-in, does not give one
            number for each subset.
    """
    failed = (np.array(pool.statuses) == "error")[subsets].any(axis=1)
    found = compute_all(names, pool, subsets, settings)
    whole = {name: np.asarray(values, dtype=np.float64) for name, values in found.items()}
    for name, values in whole.items():
        if values.shape != (len(subsets),):
            raise ValueError(
                f"metric {name!r} gave an array of shape {values.shape} for {len(subsets)} subsets "
                f"of {subsets.shape[1]}; it must return one number for each subset, as an array of "
                f"shape ({len(subsets)},)"
            )
    if not failed.any():
        return whole
    return {name: np.where(failed, np.nan, values) for name, values in whole.items()}
