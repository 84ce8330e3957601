"""Covariance of ranks when the problems are weighted: drawn several times, once, or not at all."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from workbench.core.jit import compiled
from workbench.core.types import Floats, Ints


def rank_covariances(values: Floats, codes: Ints, weights: Iterable[Floats]) -> Floats:
    """Covariances of the columns' ranks, taken again for each choice of problems.

    A problem of weight w counts as if each of its rows stood there w times; equal values share
    their mean rank. The columns are sorted once, after which a choice takes time in proportion to
    the rows. A jackknife leaves problems out by a weight of 0, a bootstrap repeats them.

    Takes (R, C) values without NaN, (R,) problems of the rows, from 0, and (P,) weights for each
    choice. Gives (choices, C, C) covariances of the ranks divided by the number of rows, times 12:
    1 on the diagonal where nothing is tied, 0 where all is; 0 for fewer than two rows.

    Example:
        Ranks 1, 2, 3 against 3, 2, 1. Less their mean and divided by 3 they are -1/3, 0 and 1/3, so
        that 12 times the mean square is 8 / 9.

        >>> values, codes = np.array([[1.0, 9.0], [4.0, 5.0], [6.0, 2.0]]), np.array([0, 1, 2])
        >>> rank_covariances(values, codes, [np.ones(3)]).round(4).tolist()
        [[[0.8889, -0.8889], [-0.8889, 0.8889]]]
    """
    columns = np.ascontiguousarray(values.T)
    order = np.argsort(columns, axis=1, kind="stable").astype(np.int32)
    ascending = np.take_along_axis(columns, order, axis=1)
    tied = np.zeros(order.shape, dtype=np.bool_)
    tied[:, 1:] = ascending[:, 1:] == ascending[:, :-1]
    holders = codes.astype(np.int32)[order]
    ranks = np.empty(order.shape)
    rows_of = np.bincount(codes)
    covariances = []
    for weight in weights:
        rows = float(rows_of @ weight[: len(rows_of)])
        if rows < 2:
            covariances.append(np.zeros((len(order), len(order))))
        else:
            weight = np.asarray(weight, np.float64)
            _fill_ranks(order, tied, holders, weight, np.sqrt(weight), rows, ranks)
            covariances.append(ranks @ ranks.T / rows * 12)
    return np.array(covariances).reshape(-1, len(order), len(order))


@compiled
def _fill_ranks(
    order: NDArray[np.int32],
    tied: NDArray[np.bool_],
    holders: NDArray[np.int32],
    weights: Floats,
    roots: Floats,
    rows: float,
    ranks: Floats,
) -> None:
    """Set (C, R) ``ranks`` to mean ranks less their mean, ÷ rows, x the root of a row's weight."""
    # Rows of each column in order of value, whether each is tied with the one before, its problem.
    for column in range(len(order)):
        smaller, start = 0.0, 0
        while start < order.shape[1]:
            own, end = weights[holders[column, start]], start + 1
            while end < order.shape[1] and tied[column, end]:
                own += weights[holders[column, end]]
                end += 1
            rank = (smaller + (own - rows) / 2) / rows  # those below + half of its own
            for place in range(start, end):
                ranks[column, order[column, place]] = rank * roots[holders[column, place]]
            smaller, start = smaller + own, end
