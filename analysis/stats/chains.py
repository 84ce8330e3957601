"""Outcomes of several chains of answers: first answers, some of them with a second one.

A chain begins with a first answer. It may go on with a second one, which corrects it. Chains of one
problem are exchangeable, and so everything here is a mean over all ways to choose some of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from workbench.core.subsets import choose_subsets
from workbench.core.types import UNANSWERED, Floats, Ints


def chain_coverage(alone: ArrayLike, with_second: ArrayLike, most: int) -> Floats:
    """Chance that some answer is right among those of m chains with a second answer and k without.

    Exactly the mean over all ways to choose m chains, and k others, of N. Where a chain has several
    second answers, one of them is taken at random.

    Args:
        alone: (N,) chance that a chain's first answer is right, 0 or 1.
        with_second: (N,) chance that its first answer or its second one is.
        most: the largest m, and k.

    Returns:
        (most + 1, most + 1): with m chains along the rows and k along the columns; NaN where
        there are fewer than m + k chains.

    Source:
        The mean of products over subsets, by the recursion of elementary symmetric polynomials
        divided by their number of terms; for k = 0 and one second answer it is pass@m.

    Example:
        Of two chains the first is wrong twice, and the other is mended by its second answer.

        >>> found = chain_coverage([0, 0], [0, 1], 2)
        >>> found[:, 0].tolist(), float(found[0, 1])
        ([0.0, 0.5, 1.0], 0.0)
    """
    lone, both = (1.0 - np.asarray(values, dtype=np.float64) for values in (alone, with_second))
    if lone.shape != both.shape or lone.ndim != 1:
        raise ValueError(
            f"chains need one chance each without and with a second answer, got shapes "
            f"{lone.shape} and {both.shape}"
        )
    # wrong[m, k]: mean over choices from the chains so far that all answers of the chosen are wrong
    m, k = np.meshgrid(np.arange(most + 1.0), np.arange(most + 1.0), indexing="ij")
    wrong = np.where((m == 0) & (k == 0), 1.0, 0.0)
    for number, (without, paired) in enumerate(zip(lone, both, strict=True), start=1):
        new = np.clip(number - m - k, 0, None) * wrong
        new[1:] += m[1:] * paired * wrong[:-1]
        new[:, 1:] += k[:, 1:] * without * wrong[:, :-1]
        wrong = new / number
    return np.where(m + k <= len(lone), 1.0 - wrong, np.nan)


def vote_accuracy(clusters: Ints, correct: Floats) -> Floats:
    """Expected accuracy of a majority vote in each row of answers.

    The most frequent cluster wins. Ties between clusters split evenly, and the winner's answer is a
    random one of its members, as in ``maj_at_k``; where nobody answered it counts 0.

    Args:
        clusters: (S, K) answer clusters, -1 = unanswered, which has no vote.
        correct: (S, K) 1 where an answer is right, else 0.

    Returns:
        (S,) expectations.

    Example:
        Two answers that differ tie; the third row has no answer.

        >>> clusters = np.array([[0, 0, 1], [0, 1, -1], [-1, -1, -1]])
        >>> vote_accuracy(clusters, np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0.0]])).tolist()
        [1.0, 0.5, 0.0]
    """
    voters = clusters != UNANSWERED
    distinct, labels = np.unique(clusters, return_inverse=True)
    labels = labels.reshape(clusters.shape) + np.arange(len(clusters))[:, None] * len(distinct)
    shape = len(clusters), len(distinct)
    size = shape[0] * shape[1]
    votes = np.bincount(labels[voters], minlength=size).reshape(shape)
    right = np.bincount(labels[voters], weights=correct[voters], minlength=size).reshape(shape)
    top = votes.max(axis=1, keepdims=True)
    winners = (votes == top) & (top > 0)
    shares = np.where(winners, right / np.maximum(votes, 1), 0.0)
    return np.asarray(shares.sum(axis=1) / np.maximum(winners.sum(axis=1), 1))


def chain_votes(
    clusters: Ints,
    correct: Floats,
    sizes: Ints,
    *,
    with_second: int,
    alone: int,
    replicates: int,
    rng: np.random.Generator,
) -> Floats:
    """Accuracy of a vote over all answers of several chains, by how many chains there are.

    Args:
        clusters: (N, 1 + M) answer clusters of each chain: the first answer, then M second ones, of
            which one is taken at random.
        correct: (N, 1 + M) 1 where an answer is right, else 0.
        sizes: units of so many chains each.
        with_second: chains of a unit that have a second answer.
        alone: chains of a unit that have none.
        replicates: random choices of chains for each size; all where there are no more than that,
            as often as it takes where it is left to chance which of a chain's answers count.
        rng: the only source of randomness.

    Returns:
        (len(sizes),) means; NaN where there are fewer chains than are needed.
    """
    total, answers = clusters.shape
    found = np.full(len(sizes), np.nan)
    for place, size in enumerate(sizes.tolist()):
        paired, needed = size * with_second, size * (with_second + alone)
        if needed > total:
            continue
        chosen = choose_subsets(total, needed, replicates, rng)  # rows are in random order
        if answers > 2 or (with_second and alone):  # by chance, also where all choices are there
            times = -(-replicates // len(chosen))
            chosen = rng.permuted(np.tile(chosen, (times, 1)), axis=1)
        second = rng.integers(1, answers, (len(chosen), paired))
        chains = np.hstack([chosen, chosen[:, :paired]])
        column = np.hstack([np.zeros_like(chosen), second])
        found[place] = vote_accuracy(clusters[chains, column], correct[chains, column]).mean()
    return found
