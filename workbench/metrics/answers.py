"""How many different answers a subset gives, and how evenly."""

from __future__ import annotations

import numpy as np

from workbench.core.jit import compiled
from workbench.core.subsets import members_of
from workbench.core.types import UNANSWERED, Floats, Ints


def group_sizes(clusters: Ints, subsets: Ints) -> Ints:
    """How many members of each subset are in each answer cluster that occurs among them.

    Unanswered samples, -1 among the (N,) clusters, are in none. An answer is never taken from a
    thought, whatever ``measure.text`` says.

    Returns:
        (S, K) sizes in order of first appearance, then zeros.

    Raises:
        ValueError: an index is not of the pool.

    Example:
        >>> group_sizes(np.array([0, 0, 1, -1]), np.array([[0, 1, 2], [3, 2, 0]])).tolist()
        [[2, 1, 0], [1, 1, 0]]
    """
    members = members_of(subsets, len(clusters))
    names, labels = np.unique(clusters, return_inverse=True)  # clusters may have any numbers
    labels[np.asarray(clusters) == UNANSWERED] = UNANSWERED
    sizes, place = np.zeros_like(members), np.empty(len(names), np.int64)
    _count_groups(labels, members, np.full(len(names), -1), place, sizes)
    return sizes


@compiled
def _count_groups(labels: Ints, subsets: Ints, row_of: Ints, place: Ints, sizes: Ints) -> None:
    """Add up ``group_sizes``; of each label, its last row and its place among those seen there."""
    for row in range(len(subsets)):
        seen = 0
        for member in subsets[row]:
            label = labels[member]
            if label < 0:
                continue
            if row_of[label] != row:
                row_of[label], place[label] = row, seen
                seen += 1
            sizes[row, place[label]] += 1


def answer_entropy(answer_sizes: Ints) -> Floats:
    """Entropy of the answers of each subset.

    0 when all answers agree, log K when no two do; larger means more diverse answers. The plain
    estimate from the counts, which is below the entropy of the model's answers at small K: compare
    at equal K. In nats, over the answered members; NaN where nobody answered. The (S, K) sizes are
    from ``group_sizes``.

    Example:
        Two answers given twice each, and one answer given four times: log 2 and 0.

        >>> answer_entropy(np.array([[2, 2, 0, 0], [4, 0, 0, 0]])).round(4).tolist()
        [0.6931, 0.0]
    """
    answered = answer_sizes.sum(axis=1)
    # log of a count over the total, not of a share: all of one answer is then exactly 0
    total = np.maximum(answered, 1)[:, None]
    nats = (answer_sizes / total * np.log(total / np.maximum(answer_sizes, 1))).sum(axis=1)
    return np.where(answered > 0, nats, np.nan)


def num_answers(answer_sizes: Ints) -> Floats:
    """Number of different answers in each subset, a whole number as a float.

    Between 0 (nobody answered) and K; larger means more diverse answers. Compare at equal K. The
    (S, K) sizes are from ``group_sizes``.

    Example:
        >>> num_answers(np.array([[2, 2, 0, 0], [4, 0, 0, 0]])).tolist()
        [2.0, 1.0]
    """
    return np.asarray((answer_sizes > 0).sum(axis=1), dtype=np.float64)
