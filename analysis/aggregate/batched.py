"""The rules of ``rules.py``, and votes by rewards, for many subsets of a pool at once.

Everywhere clusters (N,) are the answer clusters of the samples, -1 = unanswered; rewards (N,) are
larger for better samples, NaN where there is none; subsets (S, K) are indices into the pool's N
samples, in drawn order; and a result is (S,): the position of the pick among the K members, or
``NOBODY``.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.analysis.aggregate.rules import (
    SAME_UTILITY,
    as_clusters,
    as_vector,
    weighted_majority,
)
from workbench.core.jit import compiled
from workbench.core.subsets import members_of
from workbench.core.types import NOBODY, UNANSWERED, Floats, Ints
from workbench.metrics.cosine import sums_over_others

ROUNDING = 1e-9
"""A share this little below a threshold, or a mean below another, is rounding."""
CLOSE = 1e-9
"""Sums nearer to the largest than this share of it could change places by rounding. It is safe
up to K of about a million: each of K additions is off by 1e-16 of the sum at most."""


def majority_picks(clusters: Ints, subsets: Ints) -> Ints:
    """``majority`` of each subset."""
    votes = as_clusters(clusters)[subsets] != UNANSWERED
    return _first(votes, _of_own_cluster(clusters, subsets, votes.astype(np.float64)))


def weighted_picks(clusters: Ints, weights: Floats, subsets: Ints) -> Ints:
    """``weighted_majority`` of each subset, by the weights (S, K) of its members' votes.

    Where the two largest sums are so near that rounding could decide between them, the rule itself
    is asked, which adds exactly: equal sets of weights tie whatever their order.

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
    """``best_of_n`` of each subset."""
    values = as_vector(rewards, "rewards")[subsets]
    known = ~np.isnan(values)
    values[~known] = -np.inf
    # the first of the best that has a reward: -inf is one too, and is not taken for none
    return _first(known, known & (values == values.max(axis=1, keepdims=True)))


def mbr_picks(utility: Floats, subsets: Ints) -> Ints:
    """``mbr`` of each subset, by the utility (N, N) of hypothesis i against reference j.

    Raises:
        ValueError: a pair of members has no utility (NaN).
    """
    members = members_of(subsets, len(utility))
    means = sums_over_others(utility, members) / max(members.shape[1] - 1, 1)
    if np.isnan(means).any():
        row, place = np.argwhere(np.isnan(means))[0]
        raise ValueError(
            f"utility of sample {subsets[row, place]} against another of its subset is NaN; every "
            "pair of samples needs a utility: leave the samples without one out of the subset"
        )
    top = means.max(axis=1, keepdims=True)
    return np.asarray(np.argmax(means >= top - SAME_UTILITY * np.maximum(1.0, abs(top)), axis=1))


def filtered_picks(
    clusters: Ints, rewards: Floats, weights: Floats, subsets: Ints, kept: float
) -> Ints:
    """``filtered_majority`` of each subset, by the weights (S, K) of its members' votes.

    ``kept`` is the share of a subset's answered samples with a reward that may vote.
    """
    rank, able = _ranks(clusters, rewards, subsets)
    voters = np.ceil(kept * able - ROUNDING)
    return weighted_picks(clusters, np.where(rank < voters, weights, np.nan), subsets)


def borda_picks(clusters: Ints, rewards: Floats, subsets: Ints, power: float) -> Ints:
    """``borda`` of each subset; ranks are raised to a power."""
    rank, able = _ranks(clusters, rewards, subsets)
    weights = np.where(rank < able, np.maximum(able - rank, 1).astype(np.float64) ** power, np.nan)
    return weighted_picks(clusters, weights, subsets)


def ranked_answers(
    clusters: Ints, rewards: Floats, subsets: Ints, threshold: float, count: int
) -> Ints:
    """``best_answers`` of each subset: of a share ``threshold`` of the answered samples.

    Returns:
        (S, count) positions of the answers' first samples, best answer first; ``NOBODY`` beyond
        the answers that there are.
    """
    distinct, labels = np.unique(as_clusters(clusters), return_inverse=True)
    members = members_of(subsets, len(labels))
    unanswered = int(np.searchsorted(distinct, UNANSWERED, "right")) - 1  # its label, -1 if none
    values = np.array(
        as_vector(rewards, "rewards", len(labels))
    )  # numba compiles anew if read-only
    found = np.full((len(members), count), NOBODY)
    votes, judged, first = np.zeros((3, len(distinct)), np.int64)
    worth = np.zeros(len(distinct))
    _rank(labels, values, members, unanswered, threshold, votes, judged, first, worth, found)
    return found


def agreements(clusters: Ints, subsets: Ints) -> Floats:
    """``agreement`` of each subset, (S,)."""
    votes = (as_clusters(clusters)[subsets] != UNANSWERED).astype(np.float64)
    return np.asarray(_of_own_cluster(clusters, subsets, votes).max(axis=1) / subsets.shape[1])


def _ranks(clusters: Ints, rewards: Floats, subsets: Ints) -> tuple[Ints, Ints]:
    """(S, K) place of each member by reward, from 0; (S, 1) how many answered and have a reward.

    The others come last; of equal rewards the first in drawn order is the better one.
    """
    able = np.where(as_clusters(clusters) == UNANSWERED, np.nan, as_vector(rewards, "rewards"))
    values = able[subsets]
    order = np.argsort(-values, axis=1, kind="stable")
    count: Ints = (~np.isnan(values)).sum(axis=1, keepdims=True)
    return np.argsort(order, axis=1, kind="stable"), count


def _of_own_cluster(clusters: Ints, subsets: Ints, weights: Floats) -> Floats:
    """(S, K) sum of the weights (S, K) of the members that are in each member's cluster."""
    distinct, labels = np.unique(clusters, return_inverse=True)
    places = labels[subsets] + np.arange(len(subsets))[:, None] * len(distinct)
    return np.asarray(np.bincount(places.ravel(), weights=weights.ravel())[places])


def _first(may: NDArray[np.bool_], worth: NDArray[Any]) -> Ints:
    """(S,) first member of the largest worth, ``NOBODY`` where no member may be picked."""
    return np.where(may.any(axis=1), np.argmax(worth, axis=1), NOBODY)


@compiled
def _rank(
    labels: Ints,
    rewards: Floats,
    subsets: Ints,
    unanswered: int,
    threshold: float,
    votes: Ints,
    judged: Ints,
    first: Ints,
    worth: Floats,
    found: Ints,
) -> None:
    """Set (S, count) first members of the best answers, by what each label's samples have."""
    answers = len(votes)
    for row in range(len(subsets)):
        for label in range(answers):
            votes[label], judged[label], worth[label] = 0, 0, 0.0
        answered = 0
        for place, member in enumerate(subsets[row]):
            label = labels[member]
            if label == unanswered:
                continue
            if votes[label] == 0:
                first[label] = place
            votes[label] += 1
            answered += 1
            if not np.isnan(rewards[member]):
                judged[label] += 1
                worth[label] += rewards[member]
        least = threshold * answered - ROUNDING
        often = False
        for label in range(answers):
            if judged[label] > 0:
                # means closer than rounding are equal, and then the answer seen first is better
                worth[label] = np.rint(worth[label] / judged[label] / ROUNDING)
                often = often or votes[label] >= least
        for rank in range(found.shape[1]):
            best = -1
            for label in range(answers):
                if judged[label] == 0 or (often and votes[label] < least):
                    continue
                tie = best >= 0 and worth[label] == worth[best] and first[label] < first[best]
                if best < 0 or worth[label] > worth[best] or tie:
                    best = label
            if best < 0:
                break
            found[row, rank] = first[best]
            judged[best] = 0
