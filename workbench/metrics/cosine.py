"""How alike a subset's samples are in meaning: cosines between sentence embeddings."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from workbench.types import Floats, Ints


def similarity_matrix(embeddings: ArrayLike) -> Floats:
    """Cosine of every pair of embeddings.

    Between -1 and 1; larger means more alike. Computed in float64 from vectors normalised anew,
    since unit vectors stored in float32 are off by 1e-7, which a log-determinant shows.

    Args:
        embeddings: (N, D) vectors of any length but zero.

    Returns:
        (N, N), symmetric, with exactly 1 on the diagonal and nothing outside [-1, 1].

    Raises:
        ValueError: ``embeddings`` is not (N, D), or a vector is zero or not finite.
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
    cosines = (cosines + cosines.T) / 2  # whatever order the product summed in
    np.fill_diagonal(cosines, 1.0)
    return np.asarray(cosines)


def mean_off_diagonal(matrix: Floats, subsets: Ints) -> Floats:
    """Mean over the ordered pairs of two different members of each subset.

    Args:
        matrix: (N, N), one number per ordered pair of samples.
        subsets: (S, K) indices into the N samples.

    Returns:
        (S,) means; NaN at K = 1, where there is no pair.
    """
    k = subsets.shape[1]
    if k < 2:
        return np.full(len(subsets), np.nan)
    blocks = matrix[subsets[:, :, None], subsets[:, None, :]]  # (S, K, K)
    apart = ~np.eye(k, dtype=bool)
    return np.asarray(blocks[:, apart].mean(axis=1))


def mean_cosine(similarity: Floats, subsets: Ints) -> Floats:
    """Mean cosine over the unordered pairs of each subset.

    Between -1/(K - 1) and 1; larger means LESS diverse. Its expectation is the same at every K
    (``mean_over_pairs``), so it may be compared between subset sizes.

    Args:
        similarity: (N, N) cosines, symmetric.
        subsets: (S, K) indices into the N samples.

    Returns:
        (S,) cosines, dimensionless; NaN at K = 1.

    Source:
        The study's "cos sim", with its sign as there.
    """
    return mean_off_diagonal(similarity, subsets)


def mean_over_pairs(similarity: Floats) -> float:
    """Mean cosine over all pairs of a pool: what ``mean_cosine`` is on average, at every K > 1.

    Every pair is in equally many K-subsets, so the mean over all of those is the mean over pairs.

    Args:
        similarity: (N, N) cosines, symmetric.

    Returns:
        The mean over the N (N - 1) / 2 pairs; NaN at N = 1.
    """
    everything = np.arange(len(similarity), dtype=np.int64)[None, :]
    return float(mean_off_diagonal(similarity, everything)[0])
