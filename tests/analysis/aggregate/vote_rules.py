"""Votes that look at rewards too: best of majority, filtered and ranked votes, several pools.

As in ``select``, arrays are in drawn order, and ties go to whoever comes first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from workbench.analysis.aggregate.batched import ROUNDING
from workbench.analysis.aggregate.rules import as_clusters, as_vector, weighted_majority
from workbench.core.types import UNANSWERED


def best_of_majority(clusters: ArrayLike, rewards: ArrayLike, threshold: float) -> int | None:
    """First sample of the answer with the highest mean reward, among the answers given often.

    A reward model can love a wrong answer; it is seldom given often. So answers that fewer than a
    ``threshold`` of the samples give are put aside, and the rewards choose between the others.
    Where no answer is given so often, all are kept.

    Args:
        clusters: (N,) answer cluster of each sample, -1 = unanswered, which does not count.
        rewards: (N,) rewards, higher is better; NaN (none) is left out of a mean, and an answer
            without any is not chosen.
        threshold: smallest share of the answered samples, 0 to 1. 0 is the highest mean reward of
            all answers, 1 demands that all agree.

    Returns:
        An index, or ``None`` when no answer has a reward.

    Raises:
        ValueError: ``threshold`` is no share, or lengths differ.

    Source:
        Di et al. (2025), arXiv:2510.03199, algorithm 3, with one answer submitted. Checked against
        the package scorio.
    """
    found = best_answers(clusters, rewards, threshold, 1)
    return found[0] if found else None


def best_answers(
    clusters: ArrayLike, rewards: ArrayLike, threshold: float, count: int
) -> list[int]:
    """First samples of the ``count`` answers that ``best_of_majority`` likes best.

    For submitting several answers, of which one has to be right.

    Args:
        clusters: (N,) answer cluster of each sample, -1 = unanswered.
        rewards: (N,) rewards, higher is better.
        threshold: smallest share of the answered samples, 0 to 1.
        count: answers to submit.

    Returns:
        Indices, best answer first; fewer where fewer answers are given often enough.

    Raises:
        ValueError: as ``best_of_majority``.
    """
    if not 0 <= threshold <= 1:
        raise ValueError(f"the threshold of a majority is a share from 0 to 1, got {threshold}")
    numbers = as_clusters(clusters)
    values = as_vector(rewards, "rewards", len(numbers))
    answers, first, labels = np.unique(numbers, return_index=True, return_inverse=True)
    votes = np.bincount(labels, minlength=len(answers))
    there = ~np.isnan(values)
    judged = np.bincount(labels[there], minlength=len(answers))
    sums = np.bincount(labels[there], weights=values[there], minlength=len(answers))
    may = (answers != UNANSWERED) & (judged > 0)
    if not may.any():
        return []
    answered = int((numbers != UNANSWERED).sum())
    often = may & (votes >= threshold * answered - ROUNDING)
    often = often if often.any() else may
    means = np.where(often, sums / np.maximum(judged, 1), -np.inf)
    # best mean first, and among equal ones the answer seen first
    order = sorted(np.flatnonzero(often), key=lambda a: (-np.rint(means[a] / ROUNDING), first[a]))
    return [int(first[a]) for a in order[:count]]


def filtered_majority(
    clusters: ArrayLike, rewards: ArrayLike, weights: ArrayLike, kept: float
) -> int | None:
    """Vote weighted by reward, among the share of the samples whose reward is highest.

    Args:
        clusters: (N,) answer cluster of each sample, -1 = unanswered.
        rewards: (N,) rewards, such as a confidence; samples without one (NaN) do not vote.
        weights: (N,) weights of the votes, at least 0.
        kept: share of the answered samples with a reward that may vote, above 0 to 1; rounded up,
            so one at least.

    Returns:
        The first kept sample of the answer whose votes weigh most; ``None`` when none may vote.

    Raises:
        ValueError: ``kept`` is no share, a weight is negative, or lengths differ.

    Source:
        Confidence-filtered weighted voting: Fu et al. (2025), arXiv:2508.15260, section 3. Checked
        against the package scorio.
    """
    if not 0 < kept <= 1:
        raise ValueError(f"the share of samples that vote is above 0 and at most 1, got {kept}")
    numbers = as_clusters(clusters)
    values = as_vector(rewards, "rewards", len(numbers))
    heavy = as_vector(weights, "weights", len(numbers))
    values = np.where(numbers == UNANSWERED, np.nan, values)
    ranked = np.argsort(-values, kind="stable")[: int((~np.isnan(values)).sum())]  # NaN goes last
    voters = np.sort(ranked[: int(np.ceil(kept * len(ranked) - ROUNDING))])
    found = weighted_majority(numbers[voters], heavy[voters])
    return None if found is None else int(voters[found])


def borda(clusters: ArrayLike, rewards: ArrayLike, power: float) -> int | None:
    """Vote by ranks of reward: of n voters the best has n to some power votes, the worst 1.

    How large a reward is does not matter, only its place among the others.

    Args:
        clusters: (N,) answer cluster of each sample, -1 = unanswered, which does not vote.
        rewards: (N,) rewards, such as a self-certainty; samples without one (NaN) do not vote. Of
            equal ones the first ranks higher.
        power: 0 is a majority vote, 1 the Borda count; the larger, the nearer to ``best_of_n``.

    Returns:
        The first voter of the answer with most votes; ``None`` when nobody votes.

    Raises:
        ValueError: ``power`` is negative, or lengths differ.

    Source:
        Kang et al. (2025), arXiv:2502.18581, section 4.3. Checked against the package scorio.
    """
    if not power >= 0:
        raise ValueError(f"the power of Borda votes is at least 0, got {power}")
    numbers = as_clusters(clusters)
    values = as_vector(rewards, "rewards", len(numbers))
    values = np.where(numbers == UNANSWERED, np.nan, values)
    ranked = np.argsort(-values, kind="stable")[: int((~np.isnan(values)).sum())]  # NaN goes last
    votes = np.full(len(numbers), np.nan)
    votes[ranked] = np.arange(len(ranked), 0, -1.0) ** power
    return weighted_majority(numbers, votes)


def agreement(clusters: ArrayLike) -> float:
    """Share of a pool's samples that give its commonest answer: how sure of itself the model is.

    From 0 (nobody answered) to 1 (all agree); unanswered samples count in the denominator.
    """
    numbers = as_clusters(clusters)
    answered = numbers[numbers != UNANSWERED]
    return float(np.bincount(answered).max() / len(numbers)) if len(answered) else 0.0


def self_consistency_weighted(pools: Sequence[ArrayLike]) -> int | None:
    """Answer of several models together: each pool's votes weigh as much as it agrees with itself.

    A pool of any size has one vote in all, spread over its answers and multiplied by its
    ``agreement``: a model that is torn says less than one that is sure.

    Args:
        pools: for each model (N_m,) answer clusters, numbered alike for all, -1 = unanswered.

    Returns:
        The cluster with the largest sum; the first seen of equal ones. ``None`` if nobody answered.

    Raises:
        ValueError: a pool's clusters are no cluster numbers.

    Source:
        Self-consistency: Wang et al. (2022), arXiv:2203.11171, with the agreement rate, which
        they find to follow accuracy, as the weight of a model.
    """
    numbers = [as_clusters(pool) for pool in pools]
    weights = [np.full(len(own), agreement(own) / max(len(own), 1)) for own in numbers]
    clusters = np.concatenate([np.empty(0, dtype=np.int64), *numbers])
    found = weighted_majority(clusters, np.concatenate([np.empty(0), *weights]))
    return None if found is None else int(clusters[found])
