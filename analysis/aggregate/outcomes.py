"""How right the picks from subsets of a pool are: drawn subset by subset, and exactly over all."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from workbench.analysis.aggregate import AGGREGATORS
from workbench.analysis.aggregate.aggregator import Aggregator
from workbench.analysis.aggregate.temperature_mixture import samples_of
from workbench.config.schema import Selection
from workbench.core.lookup import lookup
from workbench.core.types import NOBODY, Floats, Ints
from workbench.measure.stage import subset_key
from workbench.metrics.cosine import mean_over_pairs
from workbench.metrics.passk import pass_at_k
from workbench.pools import Pool

Tally = tuple[float, float]
"""How many of a problem's samples are right, and of how many it is known."""

EXTREMES = {"_lower": 0.0, "_upper": 1.0}
"""Ends of the names of expectations over all samples, and what those of unknown correctness are
worth in them."""


def rule_of(name: str, selection: Selection) -> tuple[Aggregator, Selection]:
    """Return the rule of a selection (``best``, ``best:REWARD``) and the settings it goes by."""
    base, _, reward = name.partition(":")
    own = dataclasses.replace(selection, reward=reward) if reward else selection
    return lookup(AGGREGATORS, base, "aggregator"), own


def picked(name: str, pool: Pool, subsets: Ints, selection: Selection) -> Ints:
    """Return the sample that a selection picks of each subset (S, K) of a pool, in drawn order.

    Returns:
        (S,) indices into the pool; ``NOBODY`` where no member can be picked.

    Raises:
        ValueError: the rule, such as one of a plug-in, does not return a position for each subset.
    """
    rule, own = rule_of(name, selection)
    places = np.asarray(rule.pick(pool, subsets, own))
    count, k = subsets.shape
    if places.shape != (count,) or ((places < NOBODY) | (places >= k)).any():
        raise ValueError(
            f"aggregator {name!r} must pick one position from 0 to {k - 1} (or {NOBODY}: none) in "
            f"each of {count} subsets of {k}, got {places.tolist()[:5]} ... of shape {places.shape}"
        )
    return np.where(places == NOBODY, NOBODY, subsets[np.arange(len(subsets)), places])


def subset_outcomes(
    pool: Pool, subsets: Ints, selection: Selection, tally: Tally = (0.0, 0.0)
) -> dict[str, Any]:
    """Return what is right in each subset (S, K) of a pool, and what each selection picks.

    The tally for ``difficulty`` is of all the problem's samples at every temperature above 0.

    Returns:
        Columns of (S,): the key (problem_id, condition, temperature, k, replicate); ``num_correct``
        and ``coverage`` (whether any is correct), both NaN where unknown; ``difficulty``, the share
        of wrong ones among the problem's samples that are not in the subset, NaN where there are
        none;
        ``abstained``, whether nobody answered; and ``NAME_correct`` for each selection, 0 where it
        picks nobody and NaN where the correctness of its pick is unknown.
    """
    columns = subset_key(pool, subsets)
    correct = pool.correct[subsets]  # (S, K)
    columns["num_correct"] = correct.sum(axis=1)
    inside = correct if pool.temperature != 0 else correct[:, :0]  # the tally has no greedy ones
    right, known = tally[0] - np.nansum(inside, axis=1), tally[1] - np.isfinite(inside).sum(axis=1)
    share = right / np.where(known > 0, known, 1)
    columns["difficulty"] = np.where(known > 0, 1 - share, np.nan)
    # one right sample decides; otherwise an unknown one leaves it open
    columns["coverage"] = np.where((correct == 1).any(axis=1), 1.0, correct.sum(axis=1) * 0.0)
    columns["abstained"] = (pool.clusters[subsets] < 0).all(axis=1)
    for name in selection.aggregators:
        picks = picked(name, pool, subsets, selection)
        # nothing to pick is not correct
        columns[f"{name}_correct"] = np.where(picks == NOBODY, 0.0, pool.correct[picks])
    return columns


def exact_means(pool: Pool, sizes: Ints, selection: Selection) -> dict[str, Floats]:
    """Return the exact mean outcome over all C(n, k) subsets of each size k, N at most.

    The n samples are those of known correctness, which drawn subsets without a sample of unknown
    correctness are evenly drawn from.

    Returns:
        One array with a share correct per k, between 0 and 1: under ``coverage`` of the subsets
        that hold a correct sample, under each selection with a closed form of its picks; NaN where
        k is larger than n. Under ``…_lower`` and ``…_upper`` the same over all N samples, with
        those of unknown correctness all wrong, and all right.
    """
    unknown = np.isnan(pool.correct)
    if not unknown.any():
        found = _means_of_judged(pool, sizes, selection)
        return found | {f"{name}{end}": found[name] for end in EXTREMES for name in found}
    extremes: dict[str, Floats] = {}
    for end, worth in EXTREMES.items():
        supposed = dataclasses.replace(pool, correct=np.where(unknown, worth, pool.correct))
        means = _means_of_judged(supposed, sizes, selection)
        extremes |= {f"{name}{end}": values for name, values in means.items()}
    found = {name: np.full(sizes.shape, np.nan) for name in means}
    judged = samples_of([pool], np.flatnonzero(~unknown))
    possible = sizes <= len(judged)
    if possible.any():
        for name, values in _means_of_judged(judged, sizes[possible], selection).items():
            found[name][possible] = values
    return found | extremes


def _means_of_judged(pool: Pool, sizes: Ints, selection: Selection) -> dict[str, Floats]:
    """``exact_means`` of a pool in which all correctness is known, without the extremes."""
    found = {"coverage": np.asarray(pass_at_k(len(pool), pool.correct.sum(), sizes))}
    for name in selection.aggregators:
        rule, own = rule_of(name, selection)
        if rule.expected is not None:
            found[name] = rule.expected(pool, sizes, own)
    return found


def expectations(pool: Pool, sizes: Sequence[int], selection: Selection) -> list[dict[str, Any]]:
    """Return what is exactly known of all k-subsets of a pool, one row per k of ``curve_sizes``.

    ``pass@k``, and for each selection with a closed form ``NAME@k``, are means over all k-subsets
    of the samples of known correctness, NaN where there are fewer than k. ``…_lower`` and
    ``…_upper`` are means over those of all N samples, the others all wrong, and all right.
    ``mean_cos_sim`` is the mean cosine over all pairs, which is its mean over k-subsets for any k.
    """
    paired = pool.embeddings is not None and len(pool) > 1
    counts = {
        "n": len(pool),
        "num_correct": int((pool.correct == 1).sum()),
        "num_unknown": int(np.isnan(pool.correct).sum()),
        "mean_cos_sim": mean_over_pairs(pool.similarity) if paired else None,
    }
    shown = curve_sizes(len(pool), sizes)
    exact = exact_means(pool, np.array(shown), selection)
    return [
        {**pool.key, "k": k, **counts}
        | {_at_k(name): float(values[place]) for name, values in exact.items()}
        for place, k in enumerate(shown)
    ]


def curve_sizes(n: int, measured: Sequence[int]) -> list[int]:
    """Return the k at which a pool's exact curves are kept: powers of two, and those measured.

    Up to N, but not N itself: at the size of one small pool a curve would rest on it alone.

    >>> curve_sizes(12, [3, 8, 16])
    [1, 2, 3, 4, 8]
    """
    powers = {2**power for power in range(n.bit_length())}
    return sorted(k for k in powers | set(measured) if k <= n)


def _at_k(name: str) -> str:
    """``coverage_upper`` -> ``pass@k_upper``."""
    end = next((end for end in EXTREMES if name.endswith(end)), "")
    base = name.removesuffix(end)
    return ("pass" if base == "coverage" else base) + "@k" + end
