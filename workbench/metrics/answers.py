"""How many different answers a subset gives, and how evenly."""

from __future__ import annotations

import numpy as np

from workbench.types import UNANSWERED, Floats, Ints


def _cluster_sizes(clusters: Ints, members: Ints) -> Ints:
    """How many members are in each answer cluster that occurs; unanswered ones are in none."""
    answered = clusters[members]
    return np.unique(answered[answered != UNANSWERED], return_counts=True)[1]


def answer_entropy(clusters: Ints, subsets: Ints) -> Floats:
    """Entropy of the answers of each subset.

    0 when all answers agree, log K when no two do; larger means more diverse answers. The plain
    estimate from the counts, which is below the entropy of the model's answers at small K: compare
    at equal K.

    Args:
        clusters: (N,) answer cluster of each sample, -1 = unanswered.
        subsets: (S, K) indices into the N samples.

    Returns:
        (S,) nats, over the answered members; NaN where nobody answered.
    """
    values = np.full(len(subsets), np.nan)
    for row, members in enumerate(subsets):
        sizes = _cluster_sizes(np.asarray(clusters), members)
        if sizes.size:
            shares = sizes / sizes.sum()
            values[row] = np.sum(shares * np.log(1.0 / shares))
    return values


def num_answers(clusters: Ints, subsets: Ints) -> Floats:
    """Number of different answers in each subset.

    Between 0 (nobody answered) and K; larger means more diverse answers. Compare at equal K.

    Args:
        clusters: (N,) answer cluster of each sample, -1 = unanswered.
        subsets: (S, K) indices into the N samples.

    Returns:
        (S,) counts, whole numbers as floats.
    """
    sizes = [_cluster_sizes(np.asarray(clusters), members).size for members in subsets]
    return np.array(sizes, dtype=np.float64)
