"""How right the picks of a pool's subsets are: which sample is picked, and exact means over all."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from analysis.aggregate.aggregator import Aggregator
from workbench.config.schema import Experiment, Selection
from workbench.core.lookup import lookup
from workbench.core.types import NOBODY, Floats, Ints
from workbench.metrics.cosine import mean_over_pairs
from workbench.metrics.passk import pass_at_k
from workbench.pools import Pool

Selections = Mapping[str, Aggregator]


def rule_of(
    name: str, selection: Selection, aggregators: Selections
) -> tuple[Aggregator, Selection]:
    """Return the rule of a selection (``best``, ``best:REWARD``) and the settings it goes by."""
    base, _, reward = name.partition(":")
    own = dataclasses.replace(selection, reward=reward) if reward else selection
    return lookup(aggregators, base, "aggregator"), own


def picked(
    name: str, pool: Pool, subsets: Ints, selection: Selection, aggregators: Selections
) -> Ints:
    """Return the sample that a selection picks of each subset.

    Args:
        name: the selection.
        pool: N samples.
        subsets: (S, K) indices into them, in drawn order.
        selection: the settings, with the reward that is gone by where the name says none.
        aggregators: the rules by name.

    Returns:
        (S,) indices into the pool; ``NOBODY`` where no member can be picked.
    """
    rule, own = rule_of(name, selection, aggregators)
    places = rule.pick(pool, subsets, own)
    return np.where(places == NOBODY, NOBODY, subsets[np.arange(len(subsets)), places])


def exact_means(
    pool: Pool, sizes: Ints, experiment: Experiment, aggregators: Selections
) -> dict[str, Floats]:
    """Return the exact mean outcome over all C(N, k) subsets of each size k.

    Args:
        pool: N samples.
        sizes: the k, each N at most.
        experiment: its selections.
        aggregators: the rules by name.

    Returns:
        One array with a share correct per k, between 0 and 1: under ``coverage`` of the subsets
        that hold a correct sample, under each selection with a closed form of its picks. Samples
        whose correctness is unknown count as not correct; as correct under ``…_upper``.
    """
    unknown = np.isnan(pool.correct)
    found: dict[str, Floats] = {}
    for suffix, worth in (("", 0.0), ("_upper", 1.0)):
        if suffix and not unknown.any():
            found |= {f"{name}{suffix}": values for name, values in found.items()}
            break
        correct = np.where(unknown, worth, pool.correct)
        found[f"coverage{suffix}"] = np.asarray(pass_at_k(len(pool), correct.sum(), sizes))
        judged = dataclasses.replace(pool, correct=correct)
        for name in experiment.selection.aggregators:
            rule, own = rule_of(name, experiment.selection, aggregators)
            if rule.expected is not None:
                found[f"{name}{suffix}"] = rule.expected(judged, sizes, own)
    return found


def expectations(
    pool: Pool, experiment: Experiment, aggregators: Selections
) -> list[dict[str, Any]]:
    """Return what is exactly known of all k-subsets of a pool, one row per k.

    ``pass@k``, and for each selection with a closed form ``NAME@k``, are means over all C(N, k)
    subsets with unknown samples counted as not correct; ``…_upper`` counts them as correct.
    ``mean_cos_sim`` is the mean cosine over all pairs, which is its mean over k-subsets for any k.
    """
    unknown = np.isnan(pool.correct)
    pairs = (
        mean_over_pairs(pool.similarity) if pool.embeddings is not None and len(pool) > 1 else None
    )
    sizes = curve_sizes(len(pool), (*experiment.measure.k, experiment.generation.n))
    exact = exact_means(pool, np.array(sizes), experiment, aggregators)
    return [
        {
            "problem_id": pool.problem_id,
            "temperature": pool.temperature,
            "k": k,
            "n": len(pool),
            "num_correct": int((pool.correct == 1).sum()),
            "num_unknown": int(unknown.sum()),
            "mean_cos_sim": pairs,
        }
        | {_at_k(name): float(values[place]) for name, values in exact.items()}
        for place, k in enumerate(sizes)
    ]


def curve_sizes(n: int, measured: Sequence[int]) -> list[int]:
    """Return the k at which a pool's exact curves are kept: powers of two, and those measured.

    Up to N, but not N itself: at the size of one small pool a curve would rest on it alone.
    """
    powers = {2**power for power in range(n.bit_length())}
    return sorted(k for k in powers | set(measured) if k <= n)


def _at_k(name: str) -> str:
    """``coverage_upper`` -> ``pass@k_upper``."""
    base, upper = name.removesuffix("_upper"), name.endswith("_upper")
    return ("pass" if base == "coverage" else base) + "@k" + ("_upper" if upper else "")
