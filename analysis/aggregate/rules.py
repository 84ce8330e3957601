"""Rules that pick one sample of a subset: votes, the best reward, minimum Bayes risk.

Every rule reads its arrays in drawn order, and in drawn order ties go to whoever comes first. In a
randomly ordered subset that is exactly a uniform tie-break, so never sort the members beforehand.
Clusters are (N,) answer clusters, -1 = unanswered. A pick is an index, or ``None`` for nobody.
"""

from math import fsum

import numpy as np
from numpy.typing import ArrayLike

from workbench.core.types import UNANSWERED, Floats, Ints

SAME_UTILITY = 1e-12
"""Two identical texts have equal mean utility; their sums differ by rounding, not by this much."""


def majority(clusters: ArrayLike) -> int | None:
    """First sample, in order, of the commonest answer cluster.

    Unanswered samples (-1) do not vote; ties go to the cluster seen first.

    Raises:
        ValueError: ``clusters`` are not whole numbers from -1 upwards.
    """
    numbers = as_clusters(clusters)
    return _heaviest(numbers, np.ones(len(numbers)))


def weighted_majority(clusters: ArrayLike, weights: ArrayLike) -> int | None:
    """First voter, in order, of the cluster whose votes (N,) of at least 0 weigh most.

    A sample does not vote when it is unanswered (-1) or its weight is NaN (it has no reward); such
    a sample is neither counted nor picked. Ties go to the cluster that voted first.

    Raises:
        ValueError: a weight is negative, lengths differ, or ``clusters`` are not cluster numbers.

    Source:
        Weighted self-consistency: Li et al. (2023), arXiv:2206.02336.
    """
    numbers = as_clusters(clusters)
    heavy = as_vector(weights, "weights", len(numbers))
    if (heavy < 0).any():
        raise ValueError(
            f"weights must be at least 0, got {heavy[heavy < 0][0]} at index "
            f"{int(np.argmax(heavy < 0))}; take exp of log-probabilities, or use best_of_n"
        )
    return _heaviest(np.where(np.isnan(heavy), UNANSWERED, numbers), heavy)


def best_of_n(rewards: ArrayLike) -> int | None:
    """The sample of highest reward; ties go to the first, and NaN (no reward) is never chosen."""
    values = as_vector(rewards, "rewards")
    chosen_from = np.flatnonzero(~np.isnan(values))
    if not len(chosen_from):
        return None
    # not nanargmax, which takes NaN for -inf and so may return one
    return int(chosen_from[np.argmax(values[chosen_from])])


def mbr(utility: ArrayLike) -> int:
    """Minimum Bayes risk: the sample of largest mean utility against the others.

    A hypothesis is not its own reference, so the diagonal is not read. Ties go to the first, and
    means closer than 1e-12 count as tied: identical texts differ by rounding only.

    Args:
        utility: (N, N), [i, j] = utility of hypothesis i against reference j; larger is better.

    Returns:
        An index; 0 for the one sample of N = 1.

    Raises:
        ValueError: the matrix is empty, not square, or holds NaN off its diagonal.

    Source:
        Eikema & Aziz (2022), arXiv:2108.04718, with the other samples as references.
    """
    values = np.array(utility, dtype=np.float64)  # a copy: its diagonal is overwritten
    if values.ndim != 2 or values.shape[0] != values.shape[1] or not len(values):
        raise ValueError(
            f"utility must be a square matrix of at least one sample, got shape {values.shape}"
        )
    np.fill_diagonal(values, 0.0)
    if np.isnan(values).any():
        row, column = np.argwhere(np.isnan(values))[0]
        raise ValueError(
            f"utility[{row}, {column}] is NaN; every pair of samples needs a utility: leave the "
            "samples without one out of the subset"
        )
    means = values.sum(axis=1) / max(len(values) - 1, 1)
    return int(np.argmax(means >= means.max() - SAME_UTILITY * max(1.0, abs(means.max()))))


def as_clusters(clusters: ArrayLike) -> Ints:
    """Cluster numbers as a (N,) array.

    Raises:
        ValueError: they are not whole numbers from -1 upwards.
    """
    numbers = np.asarray(clusters)
    if numbers.ndim == 1 and not len(numbers):
        return np.empty(0, dtype=np.int64)
    if numbers.ndim != 1 or not np.issubdtype(numbers.dtype, np.integer):
        raise ValueError(
            f"clusters must be one row of whole numbers, got shape {numbers.shape} of "
            f"{numbers.dtype}; number the distinct answers, with {UNANSWERED} for unanswered"
        )
    if (least := numbers.min()) < UNANSWERED:
        raise ValueError(f"clusters must be {UNANSWERED} (unanswered) or higher, got {least}")
    return numbers.astype(np.int64)


def as_vector(values: ArrayLike, name: str, length: int | None = None) -> Floats:
    """Numbers as a (N,) float array.

    Raises:
        ValueError: they are not one row, or not ``length`` of them.
    """
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1 or (length is not None and len(vector) != length):
        needed = "one row of numbers" if length is None else f"one number for each of {length}"
        raise ValueError(f"{name} must be {needed} (samples), got shape {vector.shape}")
    return vector


def _heaviest(clusters: Ints, weights: Floats) -> int | None:
    """First member of the cluster with the largest sum of weights; -1 does not vote."""
    votes: dict[int, list[int]] = {}  # in order of first appearance, which settles ties
    for index, cluster in enumerate(clusters.tolist()):
        if cluster != UNANSWERED:
            votes.setdefault(cluster, []).append(index)
    if not votes:
        return None
    # fsum does not depend on the order of its terms, so equal sets of weights tie exactly
    return max(votes.values(), key=lambda members: fsum(weights[members]))[0]
