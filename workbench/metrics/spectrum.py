"""How evenly a subset's embeddings fill the directions they span: the spectrum of their cosines."""

from __future__ import annotations

import numpy as np

from workbench.core.subsets import members_of
from workbench.core.types import Floats, Ints
from workbench.metrics.cosine import ROUNDING, blocks_of, require_cosines

EPSILON = 1e-7
"""What RankMe adds to every share: the paper's choice for float32."""
SLACK = 1e-6
"""How far below zero rounding may push an eigenvalue, per member: cosines kept in float32."""
FEWEST = 3
"""Eigenvalues that a decay is fitted to at least: two lie on a line whatever they are."""


def eigenvalues(similarity: Floats, subsets: Ints) -> Floats:
    """Eigenvalues of each subset's similarity matrix, largest first: (S, K), dimensionless.

    Not negative, and K in sum. They are the squared singular values of the members' unit
    embeddings. One as small as rounding is exactly 0: at least one for each repeat of a sample.
    Embedded is the part of a sample that ``measure.text`` names.

    Raises:
        ValueError: ``similarity`` is not (N, N) with a unit diagonal; or over a subset it is not
            symmetric, or has a negative eigenvalue, as no matrix of cosines has; or an index is
            not of the pool.

    Example:
        The eigenvalues of [[1, c], [c, 1]] are 1 + c and 1 - c.

        >>> eigenvalues(np.array([[1, 0.5], [0.5, 1]]), np.array([[0, 1]])).round(6).tolist()
        [[1.5, 0.5]]
    """
    matrix = require_cosines(similarity)
    members = members_of(subsets, len(matrix))
    values = np.empty(members.shape)
    for rows, blocks in blocks_of(matrix, members):
        skew = np.abs(blocks - blocks.transpose(0, 2, 1)).max()
        if not skew < ROUNDING:  # NaN neither
            raise ValueError(
                f"similarity must be finite and symmetric, but two entries that mirror each other "
                f"differ by {skew:.3g}; make it with workbench.metrics.cosine.similarity_matrix"
            )
        values[rows] = np.linalg.eigvalsh(blocks)[:, ::-1]
    k = members.shape[1]
    if values.size and values.min() < -SLACK * k:
        raise ValueError(
            f"similarity has the eigenvalue {values.min():.3g} over a subset of {k}, so it is not "
            "the cosines of any vectors (pairwise BLEU, for one, is not); its spectrum measures "
            "nothing"
        )
    smallest = k * np.finfo(np.float64).eps * values[:, :1]  # as numpy.linalg.matrix_rank
    return np.where(values > smallest, values, 0.0)


def rankme(spectrum: Floats) -> Floats:
    """Effective rank of each subset's embeddings, in samples.

    From 1 (copies of one sample) to K (mutually orthogonal ones), but for up to 2e-6 K that
    ``EPSILON`` adds; larger means more diverse. It grows with K, so compare at equal K. Like
    ``vendi_1`` with the singular values in place of the eigenvalues, their squares: small
    differences between samples count for more. The paper counts the same K singular values as the
    (S, K) ``spectrum`` from ``eigenvalues`` where K is no more than the embeddings' dimensions.

    Source:
        RankMe: Garrido et al. (2023), arXiv:2210.02885, equations 1 and 2, with its epsilon. Like
        theirs the embeddings are not centred; unlike theirs they have unit length.

    Example:
        Two orthogonal samples, and two copies of one.

        >>> rankme(np.array([[1.0, 1.0], [2.0, 0.0]])).round(4).tolist()
        [2.0, 1.0]
    """
    singular = np.sqrt(spectrum)
    shares = singular / singular.sum(axis=1, keepdims=True) + EPSILON
    return np.asarray(np.exp(-(shares * np.log(shares)).sum(axis=1)))


def spectral_alpha(spectrum: Floats) -> Floats:
    """Decay exponent of each subset's spectrum: the i-th largest eigenvalue falls as i^-alpha.

    0 for orthogonal samples, 2 to 4 for most pools of ten solutions of a problem, without a bound
    as samples crowd about one direction; larger means LESS diverse. Compare at equal K. It tells
    the shape of what is spanned, not how much is: a repeated sample adds an eigenvalue of 0, which
    has no logarithm and is left out, so that three orthogonal samples have 0 however often each is
    repeated. Read it beside ``vendi_Q``, which counts them.

    The matrix is not centred, though the sources take eigenvalues of a covariance. They describe
    thousands of samples; of the few of a subset centring would take away what they have in common,
    and with it most of what can be told: on GPT-3.5's solutions of 40 problems at 4 temperatures
    the two halves of a pool of 10 agreed with rank correlation 0.82 (0.54 centred).

    The (S, K) ``spectrum`` is from ``eigenvalues``; NaN where fewer than 3 of K are not 0.

    Source:
        Stringer et al. (2019), doi:10.1038/s41586-019-1346-5, and alpha-ReQ, Agrawal et al.
        (2022), NeurIPS. The plain least squares line of log eigenvalue on log rank; their code
        weighs rank i by 1/i, and fits ranks 11 to 500, which a subset does not have.

    Example:
        Eigenvalues that fall as one over the square of their rank.

        >>> spectral_alpha(np.array([[1, 1 / 4, 1 / 9]])).round(6).tolist()
        [2.0]
    """
    kept = spectrum > 0  # the first so many, as they are sorted
    count = kept.sum(axis=1, keepdims=True)
    ranks = np.where(kept, np.log(np.arange(1, spectrum.shape[1] + 1)), 0.0)
    ranks = np.where(kept, ranks - ranks.sum(axis=1, keepdims=True) / count, 0.0)
    heights = np.log(np.where(kept, spectrum, 1.0))
    enough = count[:, 0] >= FEWEST
    alphas = np.full(len(spectrum), np.nan)
    alphas[enough] = -((ranks * heights).sum(axis=1)[enough] / (ranks**2).sum(axis=1)[enough])
    return alphas
