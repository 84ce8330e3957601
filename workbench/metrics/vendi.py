"""The effective number of different samples in a subset: the Vendi score."""

from __future__ import annotations

import numpy as np

from workbench.core.types import Floats
from workbench.metrics.spectrum import eigenvalues


def vendi(spectrum: Floats, q: float) -> Floats:
    """Effective number of different samples in each subset.

    From 1 (copies of one sample) to K (mutually orthogonal ones); larger means more diverse. It
    never rises with ``q``: a small order counts rare samples nearly as much as common ones, a
    large one hardly looks at them. It grows with K, so compare at equal K.

    The (S, K) ``spectrum`` is from ``eigenvalues``. Of the orders of the Renyi entropy, 1 is its
    limit, Shannon's entropy; ``math.inf`` looks at the largest eigenvalue alone; 0 counts the
    eigenvalues that are not 0, the rank.

    Raises:
        ValueError: ``q`` is negative or NaN.

    Source:
        exp of the entropy of the eigenvalues of S/K: Friedman & Dieng (2023), arXiv:2210.02410;
        orders other than 1: Pasarkar & Dieng (2023), arXiv:2310.12952. Checked against the
        package vendi-score.

    Example:
        Two orthogonal samples, and two copies of one.

        >>> vendi(np.array([[1.0, 1.0], [2.0, 0.0]]), q=1).tolist()
        [2.0, 1.0]
    """
    if not q >= 0:
        raise ValueError(f"the order q of a Vendi score must be 0 or more, got {q}")
    shares = spectrum / spectrum.shape[1]
    largest = shares[:, 0]
    if np.isinf(q):
        return np.asarray(1.0 / largest)
    there = shares > 0
    if q == 1:
        return np.asarray(np.exp(-(shares * np.log(np.where(there, shares, 1.0))).sum(axis=1)))
    # Relative to the largest, so that a high power of small shares is not 0 for all of them.
    powers = np.where(there, shares / largest[:, None], 0.0) ** q * there  # 0^0 counts nothing
    return np.asarray(np.exp((q * np.log(largest) + np.log(powers.sum(axis=1))) / (1.0 - q)))


def vendi_score(similarity: Floats, q: float = 1.0) -> float:
    """Effective number of different samples among all N.

    Read it as ``vendi``: from 1 to N, larger means more diverse; ``q`` may be ``math.inf``.

    Raises:
        ValueError: ``q`` is negative or NaN, or ``similarity`` is not (N, N) with 1 on the
            diagonal and positive semi-definite.

    Example:
        The eigenvalues' shares are 3/4 and 1/4; of order 2 the score is 1 / (9/16 + 1/16).

        >>> round(vendi_score(np.array([[1, 0.5], [0.5, 1]]), q=2), 6)
        1.6
    """
    return float(vendi(eigenvalues(similarity, np.arange(len(similarity))[None]), q)[0])
