"""How large a volume a subset's embeddings span: determinantal point processes."""

from __future__ import annotations

import numpy as np

from workbench.core.subsets import members_of
from workbench.core.types import Floats, Ints
from workbench.metrics.cosine import blocks_of, require_cosines


def log_volume(similarity: Floats, subsets: Ints, jitter: float = 1e-6) -> Floats:
    """Log-determinant of each subset's similarity matrix.

    0 when the K samples are mutually orthogonal (but for K log(1 + jitter)), and lower the more
    they repeat one another; larger means more diverse. Compare only at equal K: every further
    sample can only lower the value. A repeated sample makes the matrix singular, and costs about
    log(jitter): -14 at 1e-6. So the value of a subset with repeats is mostly a count of them.
    Embedded is the part of a sample that ``measure.text`` names.

    Args:
        similarity: (N, N) cosine similarities, 1 on the diagonal.
        subsets: (S, K) indices into the N samples.
        jitter: added to the diagonal, so that K copies of one sample score a large negative
            number instead of minus infinity.

    Returns:
        (S,) log-determinants, dimensionless; minus infinity where a determinant is not positive,
        which for cosines takes a jitter near 0.

    Raises:
        ValueError: ``similarity`` is not square with a unit diagonal, ``jitter`` is negative, or
            an index is not of the pool.

    Source:
        The unnormalised log-probability of the subset under an L-ensemble with
        L = ``similarity``: Kulesza & Taskar (2012), arXiv:1207.6083, section 2.2.

    Example:
        The determinant of [[1, c], [c, 1]] is 1 - c^2: here 0.64, whose logarithm is -0.4463.

        >>> similarity = np.array([[1, 0.6], [0.6, 1]])
        >>> log_volume(similarity, np.array([[0, 1]]), jitter=0.0).round(4).tolist()
        [-0.4463]
    """
    matrix = require_cosines(similarity)
    if not jitter >= 0:
        raise ValueError(f"jitter must not be negative, got {jitter}; it is added to the diagonal")
    found = np.empty(len(subsets))
    for rows, blocks in blocks_of(matrix, members_of(subsets, len(matrix))):
        sign, logdet = np.linalg.slogdet(blocks + jitter * np.eye(blocks.shape[1]))
        # The true determinant is never negative: rounding made it so, and its size is rounding too.
        found[rows] = np.where(sign <= 0, -np.inf, logdet)
    return found


def quality_log_volume(log_volumes: Floats, log_quality: Floats, subsets: Ints) -> Floats:
    """Log-determinant of each subset's similarity matrix, weighted by how good its samples are.

    ``log_volume``, (S,), plus the sum of the members' log qualities: the mean token log-probability
    of each sample, nats per token, or the logarithm of a reward, (N,). Larger means more diverse
    and better. Compare only at equal K; NaN where any member's quality is NaN.

    Source:
        Kulesza & Taskar (2012), arXiv:1207.6083, section 3.1: L_ij = q_i S_ij q_j with
        q_i = exp(log_quality_i / 2), so that det L = det S times the product of the qualities.
        The study takes the log-probability: its printed means differ from ``dpp`` by that sum.

    Example:
        >>> log_volumes, log_quality = np.array([-1.0]), np.array([-0.5, -0.25])
        >>> quality_log_volume(log_volumes, log_quality, np.array([[0, 1]])).tolist()
        [-1.75]
    """
    return np.asarray(log_volumes + log_quality[subsets].sum(axis=1, dtype=np.float64))
