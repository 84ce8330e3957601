"""Sums of products over the rows of each problem, with a category held fixed."""

from __future__ import annotations

import numpy as np

from workbench.analysis.stats.bootstrap import sum_values
from workbench.analysis.stats.cross_products import cross_products
from workbench.core.types import Floats, Ints

BLOCK = 4_000_000
"""Numbers in a block of matrices that are inverted at once (32 MB)."""


def products_given_category(
    values: Floats, codes: Ints, categories: Ints, *, within: bool
) -> tuple[Floats, Floats]:
    """Products of what a regression on a category leaves of columns, over all problems but one.

    The regression has a mean for each category and, within problems, one for each problem as well.
    No column is made for a category: how many rows and what sum it has in each problem is enough,
    so memory does not grow with rows times categories.

    Args:
        values: (R, W) columns; within problems, less their problem's mean.
        codes: (R,) problems, from 0.
        categories: (R,) categories, from 0.
        within: whether the values are less their problem's mean.

    Returns:
        (W, W) mean products of the residuals, and (P, W, W) of those with each problem left out.

    Source:
        Frisch & Waugh (1933): a regression on several groups of columns is one of the residuals of
        a regression on the first.

    Example:
        Two problems with a row in each of two categories; the second is 2 higher in both.

        >>> values = np.array([[1.0], [3.0], [5.0], [7.0]])
        >>> found = products_given_category(
        ...     values, np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), within=False)
        >>> found[0].tolist()  # 1 and 5 are 2 from their mean, and so are 3 and 7
        [[4.0]]
    """
    problems, many = int(codes.max(initial=-1)) + 1, int(categories.max(initial=-1)) + 1
    products = cross_products(values, codes)[:, 1:, 1:]  # (P, W, W)
    with_ones = np.hstack([values, np.ones((len(values), 1))])
    sums, _ = sum_values(with_ones, codes * many + categories, problems * many)
    sums = sums.reshape(problems, many, with_ones.shape[1])
    counts, sums = sums[:, :, -1], sums[:, :, :-1]  # (P, C), (P, C, W)
    everything = products.sum(axis=0), sums.sum(axis=0), counts.sum(axis=0)
    shared = np.zeros((many, many))
    size = max(1, BLOCK // max(many * many, 1))
    blocks = [slice(start, start + size) for start in range(0, problems, size)]
    if within:
        shared = sum((_shared(counts[some]).sum(axis=0) for some in blocks), start=shared)
    found = np.empty_like(products)
    for some in blocks:
        own = _shared(counts[some]) if within else 0.0
        found[some] = _residual(
            everything[0] - products[some],
            everything[1] - sums[some],
            everything[2] - counts[some],
            shared - own,
        )
    return _residual(*everything, shared), found


def _shared(counts: Floats) -> Floats:
    """(P, C) rows of each category -> (P, C, C) what the problem's mean takes of their products."""
    rows = np.maximum(counts.sum(axis=1), 1.0)[:, None, None]
    return np.asarray(counts[:, :, None] * counts[:, None, :] / rows)


def _residual(products: Floats, sums: Floats, counts: Floats, shared: Floats) -> Floats:
    """(..., W, W) products less what the categories, (..., C, W) sums, tell of them; by row."""
    rows = np.maximum(counts.sum(axis=-1), 1.0)[..., None, None]
    held = (np.eye(counts.shape[-1]) * counts[..., None, :] - shared) / rows
    inverse = np.linalg.pinv(held, rcond=1e-10, hermitian=True)
    means = sums / rows
    return np.asarray(products / rows - np.swapaxes(means, -1, -2) @ inverse @ means)
