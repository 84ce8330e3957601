"""Exact accuracy of a selection rule over all subsets of k samples, without drawing any."""

from collections.abc import Sequence
from functools import cache
from typing import overload

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from analysis.aggregate.select import as_clusters, as_vector
from workbench.types import UNANSWERED, Floats, Ints

TRUSTED_CHANCE = 1e-200
"""Rarer subset sizes are computed apart: float64 ends near 1e-308."""


@overload
def maj_at_k(clusters: ArrayLike, correct: ArrayLike, k: int) -> float: ...
@overload
def maj_at_k(clusters: ArrayLike, correct: ArrayLike, k: Sequence[int] | Ints) -> Floats: ...
def maj_at_k(
    clusters: ArrayLike, correct: ArrayLike, k: int | Sequence[int] | Ints
) -> float | Floats:
    """Expected accuracy of a majority vote over a random subset of k samples.

    Between 0 and 1, higher is better. Exactly the mean of ``correct[majority(...)]`` over all
    ordered subsets of k: ties between clusters split evenly, the winner's sample is a random one of
    its members in the subset, and a subset in which nobody answered (an abstention) counts 0.

    Args:
        clusters: (N,) answer cluster of each sample, -1 = unanswered (holds a place, has no vote).
        correct: (N,) 1 or ``True`` where a sample is correct, else 0; it may differ in a cluster.
        k: size of the subsets; several sizes at once cost little more than one.

    Returns:
        The expectation; an array of the shape of ``k`` where that is no plain number.

    Raises:
        ValueError: ``k`` is not between 1 and N, ``correct`` has a NaN, or lengths differ.

    Source:
        The multivariate hypergeometric distribution of the votes as a product of polynomials;
        checked against enumeration in exact fractions.
    """
    numbers = as_clusters(clusters)
    right = _as_correct(correct, len(numbers))
    sizes = _as_sizes(k, len(numbers), "maj")
    voters = numbers != UNANSWERED
    _, cluster, members = np.unique(numbers[voters], return_inverse=True, return_counts=True)
    shares = np.bincount(cluster, weights=right[voters], minlength=len(members)) / members
    unanswered = len(numbers) - int(voters.sum())
    distinct, place = np.unique(sizes, return_inverse=True)
    expected = _votes_won(members, shares, unanswered, distinct)[place].reshape(sizes.shape)
    return float(expected) if sizes.ndim == 0 else expected


@overload
def best_at_k(rewards: ArrayLike, correct: ArrayLike, k: int) -> float: ...
@overload
def best_at_k(rewards: ArrayLike, correct: ArrayLike, k: Sequence[int] | Ints) -> Floats: ...
def best_at_k(
    rewards: ArrayLike, correct: ArrayLike, k: int | Sequence[int] | Ints
) -> float | Floats:
    """Expected accuracy of the highest reward among a random subset of k samples.

    Between 0 and 1, higher is better. Exactly the mean of ``correct[best_of_n(...)]`` over all
    ordered subsets of k: the sample of rank r from the top is chosen with probability
    C(N-r, k-1) / C(N, k), and samples of equal reward share their ranks' total equally. A NaN
    reward is never chosen: such samples rank last, and a subset of nothing else counts 0.

    Args:
        rewards: (N,) rewards, higher is better; NaN = none.
        correct: (N,) 1 or ``True`` where a sample is correct, else 0.
        k: size of the subsets, or several sizes.

    Returns:
        The expectation; an array of the shape of ``k`` where that is no plain number.

    Raises:
        ValueError: ``k`` is not between 1 and N, ``correct`` has a NaN, or lengths differ.

    Source:
        Order statistics of sampling without replacement; checked against enumeration in exact
        fractions.
    """
    values = as_vector(rewards, "rewards")
    right = _as_correct(correct, len(values))
    sizes = _as_sizes(k, len(values), "best")
    chosen = _rank_chances(len(values), sizes.ravel())  # (len(k), N), best rank first
    ranked = ~np.isnan(values)
    _, level, tied = np.unique(-values[ranked], return_inverse=True, return_counts=True)
    shares = np.bincount(level, weights=right[ranked], minlength=len(tied)) / tied
    worth = np.concatenate([np.repeat(shares, tied), np.zeros(len(values) - len(level))])
    expected = (chosen @ worth).reshape(sizes.shape)
    return float(expected) if sizes.ndim == 0 else expected


def _rank_chances(total: int, sizes: Ints) -> Floats:
    """(len(sizes), total) chance that each rank is the best of a random subset of each size."""
    rank = np.arange(1, total)
    # C(N-r-1, k-1) / C(N-r, k-1) = (N-r-k+1) / (N-r), 0 once too few worse samples are left
    ratios = np.maximum(total - rank - sizes[:, None] + 1, 0) / (total - rank)
    first = sizes[:, None] / total
    return np.hstack([first, first * np.cumprod(ratios, axis=1)])


def _votes_won(members: Ints, shares: Floats, unanswered: int, sizes: Ints) -> Floats:
    """(len(sizes),) Σ over clusters of P(it wins) x its share correct; ``sizes`` ascend.

    Every sample joins the subset with chance p on its own; given that k joined, the subset is a
    uniform one of k. So C(n, j) x^j becomes a binomial chance, all terms lie in [0, 1] and the
    result is divided by the chance of k. Any p is right; a p far from k / N underflows.
    """
    total = int(members.sum()) + unanswered
    join = float(sizes.mean()) / total
    chance_of_size = stats.binom.pmf(sizes, total, join)
    if len(sizes) > 1 and chance_of_size.min() < TRUSTED_CHANCE:
        half = len(sizes) // 2
        parts = (sizes[:half], sizes[half:])
        return np.concatenate([_votes_won(members, shares, unanswered, part) for part in parts])
    if not len(members):
        return np.zeros(len(sizes))
    won = _winning_votes(members, shares, join, int(sizes[-1]))
    blanks = sizes[:, None] - np.arange(len(won))  # unanswered samples that fill the subset up
    expected = stats.binom.pmf(blanks, unanswered, join) @ won / chance_of_size
    return np.asarray(np.minimum(expected, 1.0))  # rounding alone can pass 1


def _winning_votes(members: Ints, shares: Floats, join: float, most: int) -> Floats:
    """(most + 1,) chance-weighted share correct of the winner, by number of votes in the subset.

    For a winning count w the other clusters hold fewer than w votes, or w and are tied. Of t
    others tied the winner takes 1 / (t + 1) = ∫ y^t dy over [0, 1], so marking each tied cluster
    by a factor y and integrating splits the ties; Gauss' rule is exact for polynomials in y and its
    nodes and weights are positive. A row below is one (w, y).
    """
    order = np.argsort(members)  # small first: the polynomials stay short for longest
    counts, marks, weights = _rows(members, most)
    chances = np.asarray(stats.binom.pmf(np.arange(members.max() + 1), members[:, None], join))
    state = np.zeros((2, len(counts), most + 1))  # [0] no winner yet, [1] a winner among them
    state[0, :, 0] = 1.0
    degree = 0
    for size, share, chance in zip(members[order], shares[order], chances[order], strict=True):
        after = np.zeros_like(state)
        for votes in range(min(int(size), most) + 1):
            old = slice(0, min(degree, most - votes) + 1)
            new = slice(votes, old.stop + votes)
            tied, more = np.searchsorted(counts, [votes, votes + 1])
            after[:, more:, new] += chance[votes] * state[:, more:, old]
            if tied < more:
                level, mark = state[:, tied:more, old], marks[tied:more, None]
                after[:, tied:more, new] += chance[votes] * mark * level
                after[1, tied:more, new] += chance[votes] * share * level[0]
        state, degree = after, min(degree + int(size), most)
    return np.asarray(weights @ state[1])


def _rows(members: Ints, most: int) -> tuple[Ints, Floats, Floats]:
    """Winning counts from 1 upwards, each with the nodes and weights that split its ties."""
    counts, marks, weights = [], [], []
    for votes in range(1, min(int(members.max()), most) + 1):
        most_tied = min(int((members >= votes).sum()), most // votes) - 1
        node, weight = _gauss(most_tied // 2 + 1)  # m nodes are exact up to degree 2m - 1
        counts.append(np.full(len(node), votes))
        marks.append(node)
        weights.append(weight)
    return np.concatenate(counts), np.concatenate(marks), np.concatenate(weights)


@cache
def _gauss(nodes: int) -> tuple[Floats, Floats]:
    """Gauss-Legendre nodes and weights on [0, 1]."""
    node, weight = special.roots_legendre(nodes)
    return (node + 1) / 2, weight / 2


def _as_sizes(k: int | Sequence[int] | Ints, total: int, name: str) -> Ints:
    """Subset sizes as an array, or say which is impossible."""
    sizes = np.asarray(k)
    if not np.issubdtype(sizes.dtype, np.integer):
        raise ValueError(f"{name}@k needs whole numbers k, got {k!r}")
    wrong = sizes[(sizes < 1) | (sizes > total)]
    if wrong.size:
        raise ValueError(
            f"{name}@{wrong.flat[0]} needs k between 1 and the {total} samples of the pool; "
            "draw more samples or lower k"
        )
    return sizes.astype(np.int64)


def _as_correct(correct: ArrayLike, length: int) -> Floats:
    """Correctness as (N,) numbers, or say that some are unknown."""
    right = as_vector(correct, "correct", length)
    if np.isnan(right).any():
        raise ValueError(
            f"correct is NaN at index {int(np.argmax(np.isnan(right)))}: an expectation needs "
            "every sample judged; replace NaN by 0 and by 1 for the two extremes"
        )
    return right
