"""Exact accuracy of a selection rule over all subsets of k samples, without drawing any."""

import math
from collections.abc import Sequence
from typing import overload

import numpy as np
from numpy.typing import ArrayLike

from workbench.analysis.aggregate.rules import as_clusters, as_vector
from workbench.core.jit import compiled
from workbench.core.types import UNANSWERED, Floats, Ints

Sizes = int | Sequence[int] | Ints
RAREST = 800.0
"""Sizes of which one has a chance below exp(-800) are computed in parts: half of the exponent is
lifted away, and float64 ends near exp(-708)."""


@overload
def maj_at_k(clusters: ArrayLike, correct: ArrayLike, k: int) -> float: ...
@overload
def maj_at_k(clusters: ArrayLike, correct: ArrayLike, k: Sequence[int] | Ints) -> Floats: ...
def maj_at_k(clusters: ArrayLike, correct: ArrayLike, k: Sizes) -> float | Floats:
    """Expected accuracy of a majority vote over a random subset of k samples.

    Between 0 and 1, higher is better. Exactly the mean of ``correct[majority(...)]`` over all
    ordered subsets of k: ties between clusters split evenly, the winner's sample is a random one of
    its members in the subset, and a subset in which nobody answered (an abstention) counts 0.

    Clusters (N,) are -1 where a sample is unanswered: it holds a place and has no vote. ``correct``
    (N,) is 1 or ``True`` where a sample is correct, else 0; it may differ in a cluster. Several
    sizes at once cost little more than one.

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
    if not shares.any():
        return 0.0 if sizes.ndim == 0 else np.zeros(sizes.shape)
    distinct, place = np.unique(sizes, return_inverse=True)
    expected = _votes_won(members, shares, unanswered, distinct)[place].reshape(sizes.shape)
    return float(expected) if sizes.ndim == 0 else expected


@overload
def best_at_k(rewards: ArrayLike, correct: ArrayLike, k: int) -> float: ...
@overload
def best_at_k(rewards: ArrayLike, correct: ArrayLike, k: Sequence[int] | Ints) -> Floats: ...
def best_at_k(rewards: ArrayLike, correct: ArrayLike, k: Sizes) -> float | Floats:
    """Expected accuracy of the highest reward among a random subset of k samples.

    Between 0 and 1, higher is better. Exactly the mean of ``correct[best_of_n(...)]`` over all
    ordered subsets of k: the sample of rank r from the top is chosen with probability
    C(N-r, k-1) / C(N, k), and samples of equal reward share their ranks' total equally. A NaN
    reward is never chosen: such samples rank last, and a subset of nothing else counts 0.

    ``correct`` (N,) is 1 or ``True`` where a sample is correct, else 0.

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

    Every sample joins the subset with the same odds on its own; given that k joined, the subset is
    a uniform one of k. So C(n, j) x^j becomes a binomial chance, and the result is divided by the
    chance of k. Any odds are right. Those taken here make the smallest and the largest size alike
    unlikely, and every sample lifts all chances by a factor, so that they stay half as far from 1.
    """
    total = int(members.sum()) + unanswered
    first, last = int(sizes[0]), int(sizes[-1])
    if first < last:
        log_odds = (_log_ways(total, first) - _log_ways(total, last)) / (last - first)
    else:
        log_odds = math.log((first + 0.5) / (total - first + 0.5))
    odds = math.exp(log_odds)
    rarity = total * math.log1p(odds) - first * log_odds - _log_ways(total, first)
    if rarity > RAREST and len(sizes) > 1:
        half = len(sizes) // 2
        parts = (sizes[:half], sizes[half:])
        return np.concatenate([_votes_won(members, shares, unanswered, part) for part in parts])
    order = np.argsort(shares > 0, kind="stable")  # those that are never right need least work
    distinct, kind = np.unique(members[order], return_inverse=True)
    trials = np.append(distinct, [unanswered, total])
    chances = np.zeros((len(trials), total + 1))
    _set_chances(trials, odds, math.exp(rarity / 2 / total), chances)
    won, row = np.zeros((2, last + 1))
    _add_votes(members[order], shares[order], kind, chances, np.empty_like(kind), row, won)
    with_blanks = np.convolve(won, chances[-2, : unanswered + 1])  # unanswered samples fill it up
    expected = with_blanks[sizes] / chances[-1, sizes]
    return np.asarray(np.minimum(expected, 1.0))  # rounding alone can pass 1


def _log_ways(total: int, k: int) -> float:
    """Logarithm of C(total, k)."""
    return math.lgamma(total + 1) - math.lgamma(k + 1) - math.lgamma(total - k + 1)


@compiled
def _set_chances(trials: Ints, odds: float, lift: float, chances: Floats) -> None:
    """Set (len(trials), most + 1) binomial chance of j of n, times lift^n; 0 beyond n.

    From the likeliest j outwards, so that nothing overflows: first relative to it, whose sum then
    says how likely it is.
    """
    for row, size in enumerate(trials):
        likeliest = int((size + 1) * odds / (1 + odds))
        chance = 1.0
        for _ in range(2):
            chances[row, likeliest] = chance
            for j in range(likeliest, size):
                chances[row, j + 1] = chances[row, j] * (size - j) / (j + 1) * odds
            for j in range(likeliest, 0, -1):
                chances[row, j - 1] = chances[row, j] * j / (size - j + 1) / odds
            total = 0.0
            for j in range(size + 1):
                total += chances[row, j]
            chance = lift**size / total


@compiled
def _add_votes(
    members: Ints,
    shares: Floats,
    kind: Ints,
    chances: Floats,
    able: Ints,
    row: Floats,
    won: Floats,
) -> None:
    """Set (most + 1,) chance-weighted share correct of the winner, by votes in the subset.

    For each count w from the largest down, polynomials whose exponent is the number of votes: of
    clusters that could reach w, t of them hold w votes and the rest fewer. ``state[0, t]`` is the
    chance of that, and ``state[1, t]`` the same times the sum of the tied clusters' shares, of
    which each wins one in t. The tied ones' t x w votes are left out of the exponent until the end.
    Clusters too small for w take part by all their votes, unanswered samples not at all.

    ``members``, ``shares`` (fastest where those of 0 come first) and ``kind``, its row of
    ``chances``, are (C,), one of each cluster; most votes are of interest. ``able`` (C,) and
    ``row`` (most + 1,) are room to work in, ``won`` is 0 at first.
    """
    most, largest = len(won) - 1, 0
    for cluster in range(len(members)):
        largest = max(largest, members[cluster])
    for votes in range(min(largest, most), 0, -1):
        count = 0
        for cluster in range(len(members)):
            if members[cluster] >= votes:
                able[count] = cluster
                count += 1
            if members[cluster] == votes:  # too small for the counts so far
                for place in range(most + 1):
                    row[place] = 0.0
                for drawn in range(votes + 1):
                    chance = chances[kind[cluster], drawn]
                    for place in range(most + 1 - drawn):
                        row[drawn + place] += chance * won[place]
                for place in range(most + 1):
                    won[place] = row[place]
        most_tied = min(count, most // votes)
        state = np.zeros((2, most_tied + 1, min(count * (votes - 1), most) + 1))
        state[0, 0, 0] = 1.0
        right = 0  # 1 once a cluster has a share: until then state[1] is 0
        for before in range(count):
            share, its = shares[able[before]], chances[kind[able[before]]]
            right = 1 if share > 0 else right
            for tied in range(min(before + 1, most_tied), -1, -1):
                room = most + 1 - tied * votes
                old = min((before - tied) * (votes - 1) + 1, room)  # terms, none if tied > before
                new = min((before + 1 - tied) * (votes - 1) + 1, room)
                for part in range(right + 1):
                    fewer, less = state[part, tied], state[part, tied - 1]
                    for place in range(new):
                        held = less[place] + part * share * state[0, tied - 1, place]
                        row[place] = its[votes] * held if tied > 0 else 0.0
                    for drawn in range(min(votes, new) if tied <= before else 0):
                        chance = its[drawn]
                        for place in range(min(old, new - drawn)):
                            row[drawn + place] += chance * fewer[place]
                    for place in range(new):
                        fewer[place] = row[place]
        for tied in range(1, most_tied + 1):
            end = min((count - tied) * (votes - 1) + 1, most + 1 - tied * votes)
            for place in range(end):
                won[tied * votes + place] += state[1, tied, place] / tied


def _as_sizes(k: Sizes, total: int, name: str) -> Ints:
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
            "every sample judged; leave the others out, or replace NaN by 0 and by 1 for extremes"
        )
    return right
