"""How similar a subset's samples are in meaning: cosines of sentence embeddings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from workbench.core.jit import compiled
from workbench.core.subsets import members_of
from workbench.core.types import Floats, Ints

ROUNDING = 1e-5
"""Largest rounding error of cosines that were stored as float32."""
ENTRIES = 2**21
"""Numbers in the submatrices that are held at a time: 16 MB."""


def similarity_matrix(embeddings: ArrayLike) -> Floats:
    """Cosine of every pair of embeddings.

    Between -1 and 1; larger means more alike. Computed in float64 from vectors normalised anew,
    since unit vectors stored in float32 are off by 1e-7, which a log-determinant shows.

    Returns:
        (N, N), symmetric, with exactly 1 on the diagonal and nothing outside [-1, 1].

    Raises:
        ValueError: ``embeddings`` is not (N, D), or a vector is zero or not finite.

    Example:
        >>> similarity_matrix([[1, 0], [2, 2]]).round(4).tolist()
        [[1.0, 0.7071], [0.7071, 1.0]]
    """
    vectors = np.asarray(embeddings, dtype=np.float64)
    if vectors.ndim != 2:
        raise ValueError(f"embeddings must be (N, D), one row per sample, got {vectors.shape}")
    norms = np.linalg.norm(vectors, axis=1)
    bad = np.flatnonzero(~np.isfinite(norms) | (norms == 0))
    if bad.size:
        raise ValueError(
            f"embedding {bad[0]} has length {norms[bad[0]]}, so it has no direction "
            f"({bad.size} of {len(norms)} like this); encode its text again"
        )
    units = vectors / norms[:, None]
    cosines = np.clip(units @ units.T, -1.0, 1.0)
    cosines = (cosines + cosines.T) / 2  # the product is not exactly symmetric
    np.fill_diagonal(cosines, 1.0)
    return np.asarray(cosines)


def require_cosines(similarity: Floats) -> Floats:
    """Return a similarity matrix as contiguous float64, after checking it.

    Raises:
        ValueError: it is not square with ones on the diagonal.

    Example:
        >>> require_cosines(np.array([[1, 0], [0, 1]])).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    matrix = np.ascontiguousarray(similarity, dtype=np.float64)
    square = matrix.ndim == 2 and matrix.shape[0] == matrix.shape[1]
    off = np.abs(np.diagonal(matrix) - 1.0).max(initial=0.0) if square else np.nan
    if not off < ROUNDING:  # NaN is not, either
        raise ValueError(
            "similarity must be square with ones on the diagonal, got shape "
            f"{np.shape(similarity)}; make it with workbench.metrics.cosine.similarity_matrix, "
            "which normalises the embeddings"
        )
    return matrix


def blocks_of(matrix: Floats, members: Ints) -> Iterator[tuple[slice, Floats]]:
    """Yield slices of the subsets, and their submatrices: (subsets in the slice, K, K).

    Example:
        >>> matrix = np.arange(9.0).reshape(3, 3)
        >>> [(rows, block.tolist()) for rows, block in blocks_of(matrix, np.array([[0, 2]]))]
        [(slice(0, 524288, None), [[[0.0, 2.0], [6.0, 8.0]]])]
    """
    step = max(1, ENTRIES // members.shape[1] ** 2)
    for start in range(0, len(members), step):
        some = members[start : start + step]
        yield slice(start, start + step), matrix[some[:, :, None], some[:, None, :]]


def mean_off_diagonal(matrix: Floats, subsets: Ints) -> Floats:
    """Mean over the ordered pairs of different members of each subset: (S,), NaN at K = 1.

    Raises:
        ValueError: an index is not of the pool.

    Example:
        >>> matrix = np.array([[1, 0.5, 0.25], [0.5, 1, 0], [0.25, 0, 1]])
        >>> mean_off_diagonal(matrix, np.array([[0, 1, 2]])).tolist()
        [0.25]
    """
    members = members_of(subsets, len(matrix))
    k = members.shape[1]
    if k < 2:
        return np.full(len(members), np.nan)
    sums = sums_over_others(matrix, members).cumsum(axis=1)[:, -1]  # in order, as they always were
    return np.asarray(sums / (k * (k - 1)))


def sums_over_others(matrix: Floats, members: Ints) -> Floats:
    """Sum the entries of each member against the others of its subset: (S, K), 0 at K = 1.

    Member by member, so that rounding stays small. The (S, K) members are indices of the matrix.

    Example:
        >>> sums_over_others(np.array([[1, 0.5], [0.25, 1]]), np.array([[0, 1], [1, 1]])).tolist()
        [[0.5, 0.25], [1.0, 1.0]]
    """
    sums = np.zeros(members.shape)
    _add_others(np.ascontiguousarray(matrix, dtype=np.float64), members, sums)
    return sums


@compiled
def _add_others(matrix: Floats, members: Ints, sums: Floats) -> None:
    """Set ``sums_over_others``."""
    for row in range(len(members)):
        for one in range(members.shape[1]):
            total = 0.0
            for other in range(members.shape[1]):
                if other != one:
                    total += matrix[members[row, one], members[row, other]]
            sums[row, one] = total


def mean_cosine(similarity: Floats, subsets: Ints) -> Floats:
    """Mean cosine over the unordered pairs of each subset.

    Between -1/(K - 1) and 1; larger means LESS diverse. Its expectation is the same at every K
    (``mean_over_pairs``), so it may be compared between subset sizes; NaN at K = 1. The study's
    "cos sim", with its sign as there. Embedded is the part of a sample that ``measure.text`` names.

    Example:
        >>> matrix = np.array([[1, 0.5, 0.25], [0.5, 1, 0], [0.25, 0, 1]])
        >>> mean_cosine(matrix, np.array([[0, 1, 2]])).tolist()
        [0.25]
    """
    return mean_off_diagonal(similarity, subsets)


def mean_over_pairs(similarity: Floats) -> float:
    """Mean cosine over all pairs of a pool: what ``mean_cosine`` is on average, at every K > 1.

    Every pair is in equally many K-subsets, so the mean over all of those is the mean over the
    N (N - 1) / 2 pairs; NaN at N = 1.

    Example:
        >>> mean_over_pairs(np.array([[1, 0.5, 0.25], [0.5, 1, 0], [0.25, 0, 1]]))
        0.25
    """
    return float(mean_off_diagonal(similarity, np.arange(len(similarity))[None])[0])
