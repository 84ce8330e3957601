"""Correlations from sums of products over the rows of each problem."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from workbench.analysis.stats.bootstrap import sum_values
from workbench.core.types import Floats, Ints

NO_VARIATION = 1e-12
"""A variance this much below the column's own is rounding, not variation."""


def standardised(columns: Floats) -> Floats:
    """Columns of mean 0 and variance 1; a constant column becomes exactly 0.

    Example:
        >>> standardised(np.array([[1.0, 5.0], [3.0, 5.0]])).tolist()
        [[-1.0, 0.0], [1.0, 0.0]]
    """
    if not len(columns):
        return columns
    varies = np.ptp(columns, axis=0) > 0
    centred = np.where(varies, columns - columns.mean(axis=0), 0.0)
    return np.asarray(centred / np.where(varies, centred.std(axis=0), 1.0))


def at_level(values: Floats, codes: Ints, level: str) -> tuple[Floats, Ints]:
    """Standardised rows as deviations from their problem's mean, or as the problems' means."""
    if level == "pooled" or not len(values):
        return values, codes
    sums, counts = sum_values(values, codes)
    means = sums / counts
    between = level == "between"
    # Rounded, because equal deviations that differ in the last bit would not be tied in rank.
    rows = np.round(means if between else values - means[codes], 12)
    spread = np.sqrt((rows**2).mean(axis=0))
    return rows / np.where(spread > 0, spread, 1.0), np.arange(len(means)) if between else codes


def cross_products(values: Floats, codes: Ints) -> Floats:
    """(R, C) values, (R,) codes -> (P, 1 + C, 1 + C) sums by problem of products of (1, values)."""
    order = np.argsort(codes, kind="stable")
    rows = np.column_stack([np.ones(len(values)), values])[order]
    ends = np.cumsum(np.bincount(codes))
    found = [rows[start:end].T @ rows[start:end] for start, end in pairwise([0, *ends])]
    return np.array(found).reshape(-1, rows.shape[1], rows.shape[1])


def correlations_from_products(products: Floats) -> Floats:
    """(..., 1 + C, 1 + C) sums of products of (1, columns) -> (...) partial correlations."""
    rows = np.maximum(products[..., :1, :1], 1.0)
    means = products[..., 1:, :1] / rows
    return partial_correlations(products[..., 1:, 1:] / rows - means * np.swapaxes(means, -1, -2))


def partial_correlations(covariance: Floats) -> Floats:
    """(..., C, C) covariances of x, y and covariates -> (...) correlations given the latter.

    The Schur complement of the covariates' block; columns have about variance 1.

    Example:
        x and y have the correlation 0.8 and each 0.5 with the covariate: what is left of it is
        (0.8 - 0.25) / 0.75.

        >>> covariance = np.array([[1.0, 0.8, 0.5], [0.8, 1.0, 0.5], [0.5, 0.5, 1.0]])
        >>> round(float(partial_correlations(covariance)), 4)
        0.7333
    """
    pair, cross, held = covariance[..., :2, :2], covariance[..., :2, 2:], covariance[..., 2:, 2:]
    if held.shape[-1]:
        inverse = np.linalg.pinv(held, rcond=1e-10, hermitian=True)
        pair = pair - cross @ inverse @ np.swapaxes(cross, -1, -2)
    product = pair[..., 0, 0] * pair[..., 1, 1]
    varies = (pair[..., 0, 0] > NO_VARIATION) & (pair[..., 1, 1] > NO_VARIATION)
    r = pair[..., 0, 1] / np.sqrt(np.where(varies, product, 1.0))
    return np.asarray(np.where(varies, np.clip(r, -1.0, 1.0), np.nan))
