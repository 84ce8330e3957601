"""The rules of ``select`` for many subsets of one pool at once: the same picks, to the last tie.

Everywhere subsets are (S, K) indices into the pool's N samples, in drawn order, and a result is
(S,): the position of the pick among the K members, or ``NOBODY``.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.aggregate.select import SAME_UTILITY, as_clusters, as_vector, weighted_majority
from workbench.kernels import compiled
from workbench.subsets import members_of
from workbench.types import NOBODY, UNANSWERED, Floats, Ints

CLOSE = 1e-9
"""Sums nearer to the largest than this share of it could change places by rounding. It is safe
up to K of about a million: each of K additions is off by 1e-16 of the sum at most."""


def majority_picks(clusters: Ints, subsets: Ints) -> Ints:
    """``majority`` of each subset.

    Args:
        clusters: (N,) answer cluster of each sample, -1 = unanswered.
        subsets: (S, K) indices into the N samples.
    """
    votes = as_clusters(clusters)[subsets] != UNANSWERED
    return _first(votes, _of_own_cluster(clusters, subsets, votes.astype(np.float64)))


def weighted_picks(clusters: Ints, weights: Floats, subsets: Ints) -> Ints:
    """``weighted_majority`` of each subset.

    Where the two largest sums are so near that rounding could decide between them, the rule itself
    is asked, which adds exactly: equal sets of weights tie whatever their order.

    Args:
        clusters: (N,) answer cluster of each sample, -1 = unanswered.
        weights: (S, K) weights of the members' votes, at least 0; NaN where there is none.
        subsets: (S, K) indices into the N samples.

    Raises:
        ValueError: a weight is negative.
    """
    answers = as_clusters(clusters)[subsets]
    votes = (answers != UNANSWERED) & ~np.isnan(weights)
    sums = _of_own_cluster(clusters, subsets, np.where(votes, weights, 0.0))
    top = np.where(votes, sums, -np.inf).max(axis=1, keepdims=True)
    near = votes & (sums >= top * (1.0 - CLOSE))
    picks = _first(near, near)
    others = near & (answers != np.take_along_axis(answers, picks[:, None], axis=1))
    for row in np.flatnonzero(others.any(axis=1) | (weights < 0).any(axis=1)):
        exact = weighted_majority(answers[row], weights[row])
        picks[row] = NOBODY if exact is None else exact
    return picks


def best_picks(rewards: Floats, subsets: Ints) -> Ints:
    """``best_of_n`` of each subset.

    Args:
        rewards: (N,) rewards, higher is better; NaN is never chosen.
        subsets: (S, K) indices into the N samples.
    """
    values = as_vector(rewards, "rewards")[subsets]
    known = ~np.isnan(values)
    values[~known] = -np.inf
    # the first of the best that has a reward: -inf is one too, and is not taken for none
    return _first(known, known & (values == values.max(axis=1, keepdims=True)))


def mbr_picks(utility: Floats, subsets: Ints) -> Ints:
    """``mbr`` of each subset.

    Args:
        utility: (N, N), [i, j] = utility of hypothesis i against reference j; larger is better.
        subsets: (S, K) indices into the N samples.

    Raises:
        ValueError: a pair of members has no utility (NaN).
    """
    matrix = np.ascontiguousarray(utility, dtype=np.float64)
    means = _mean_utilities(matrix, members_of(subsets, len(matrix)))
    if np.isnan(means).any():
        row, place = np.argwhere(np.isnan(means))[0]
        raise ValueError(
            f"utility of sample {subsets[row, place]} against another of its subset is NaN; every "
            "pair of samples needs a utility: leave the samples without one out of the subset"
        )
    top = means.max(axis=1, keepdims=True)
    return np.asarray(np.argmax(means >= top - SAME_UTILITY * np.maximum(1.0, abs(top)), axis=1))


def _of_own_cluster(clusters: Ints, subsets: Ints, weights: Floats) -> Floats:
    """(S, K) sum of the weights (S, K) of the members that are in each member's cluster."""
    distinct, labels = np.unique(clusters, return_inverse=True)
    places = labels[subsets] + np.arange(len(subsets))[:, None] * len(distinct)
    return np.asarray(np.bincount(places.ravel(), weights=weights.ravel())[places])


def _first(may: NDArray[np.bool_], worth: NDArray[Any]) -> Ints:
    """(S,) first member of the largest worth, ``NOBODY`` where no member may be picked."""
    return np.where(may.any(axis=1), np.argmax(worth, axis=1), NOBODY)


@compiled
def _mean_utilities(utility: Floats, subsets: Ints) -> Floats:
    """(S, K) mean utility of each member against the others; 0 for a subset of one."""
    means = np.zeros(subsets.shape)
    size = subsets.shape[1]
    for row in range(len(subsets)):
        members = subsets[row]
        for i in range(size):
            total = 0.0
            for j in range(size):
                if j != i:
                    total += utility[members[i], members[j]]
            means[row, i] = total / max(size - 1, 1)
    return means
