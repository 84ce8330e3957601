"""Correlation of two columns, over rows of many problems or over independent rows.

``correlate`` and, for many columns at once, ``correlations`` are for the tables: their intervals
take the problem as the unit. ``partial_correlation`` is the textbook statistic with a p-value, for
rows that are independent.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from workbench.analysis.stats import cross_products
from workbench.analysis.stats.bootstrap import (
    Intervals,
    check_confidence,
    fisher_interval,
    problem_codes,
    sum_values,
)
from workbench.analysis.stats.category_products import products_given_category
from workbench.analysis.stats.ranks import rank_covariances
from workbench.core.lookup import lookup
from workbench.core.types import Floats, Ints

METHODS = {
    "pearson": "correlation of the values",
    "spearman": "correlation of their ranks, equal values sharing the mean rank",
}
LEVELS = {
    "pooled": "over all rows, as in the study: mixes difficulty with the rest",
    "within": "both less their problem's mean: difficulty removed",
    "between": "of the problems' means, each problem counted once",
}
RESIDUAL_ROUNDING = 1e-12
"""A standard deviation of least-squares residuals below this is rounding, not variation."""


@dataclass(frozen=True)
class Correlation:
    """A correlation, -1 to 1, with its interval over problems."""

    r: float
    """NaN where a column does not vary (or not beyond what the covariates say)."""
    low: float
    """NaN below 10 problems."""
    high: float
    num_problems: int
    """Problems that vary at this level."""
    num_rows: int
    """Rows used; rows with a missing or infinite value are dropped."""
    p: float = math.nan
    """Two-sided, of r = 0, the problem as the unit; NaN where there is no interval."""


@dataclass(frozen=True)
class PartialCorrelation:
    """A partial correlation of independent rows, -1 to 1, with its p-value and interval."""

    r: float
    p: float
    """Two-sided, of r = 0."""
    df: int
    """Degrees of freedom of the t statistic: rows - 2 - covariates."""
    low: float = math.nan
    high: float = math.nan


def correlate(
    x: ArrayLike,
    y: ArrayLike,
    problems: ArrayLike,
    covariates: ArrayLike | pd.DataFrame | None = None,
    *,
    method: str = "pearson",
    level: str = "pooled",
    confidence: float = 0.95,
) -> Correlation:
    """Correlation of two columns, with an interval that takes the problem as the unit.

    From -1 to 1; repeating every row changes nothing. With covariates it is the partial
    correlation: what x and y share beyond a linear dependence on them. The interval leaves out one
    problem at a time, on Fisher's z, t with P - 1 degrees of freedom; Spearman's ranks are taken
    again each time. At the levels "within" and "between" ranks are of the deviations or the means.

    Takes (R,) values and problems, as any label, (R,) or (R, C) covariates, and names of
    ``METHODS`` and ``LEVELS``; ``confidence`` is the share of such intervals that should hold the
    true value.

    Raises:
        ValueError: an unknown method or level, or lengths that differ.

    Example:
        Two problems of three rows each. Their means lie far apart; the deviations from them,
        (-1, 0, 1) and (-1, 1, 0), have the correlation 1 / 2.

        >>> x, y = [1, 2, 3, 11, 12, 13], [1, 3, 2, 21, 23, 22]
        >>> problems = ["a", "a", "a", "b", "b", "b"]
        >>> [round(correlate(x, y, problems, level=level).r, 2) for level in LEVELS]
        [0.99, 0.5, 1.0]

    Source:
        Efron & Tibshirani (1993), chapter 11, for the jackknife; coefficients checked against
        numpy, scipy and least-squares residuals.
    """
    first, second = (values[:, None] for values in _two_rows(x, y))
    how = {"method": method, "level": level}
    return correlations(first, second, problems, covariates, **how, confidence=confidence)[0][0]


def correlations(
    x: ArrayLike | pd.DataFrame,
    y: ArrayLike | pd.DataFrame,
    problems: ArrayLike,
    covariates: ArrayLike | pd.DataFrame | None = None,
    *,
    category: ArrayLike | None = None,
    method: str = "pearson",
    level: str = "pooled",
    confidence: float = 0.95,
) -> list[list[Correlation]]:
    """Correlation of every column of (R, M) x with every column of (R, Q) y: M lists of Q.

    Each is as ``correlate`` has it. Columns that are known in the same rows share all work over
    the rows.

    A ``category`` of (R,) labels is held fixed beside the covariates: as with a covariate for each
    category but one, that is 1 in its rows and 0 elsewhere, so that each may have a mean of its
    own. It goes with ``pearson``, pooled or within problems.

    Raises:
        ValueError: an unknown method or level, lengths that differ, or a category with another
            method or level.
    """
    lookup(METHODS, method, kind="method")
    lookup(LEVELS, level, kind="level")
    first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    held = _as_covariates(covariates, len(first))
    labels = np.asarray(problems)
    if labels.shape != (len(first),) or len(second) != len(first):
        raise ValueError(
            f"problems must hold one label for each of {len(first)} rows, got shape {labels.shape}"
        )
    categories = None if category is None else _category_codes(category, len(first), method, level)
    known = np.isfinite(held).all(axis=1)
    found: dict[tuple[int, int], Correlation] = {}
    for left, there in _columns_by_known_rows(first):
        for right, also in _columns_by_known_rows(second):
            kept = known & there & also
            columns = np.hstack([first[kept][:, left], second[kept][:, right], held[kept]])
            width, codes = len(left) + len(right), problem_codes(labels[kept])
            places = product(range(len(left)), range(len(left), width))
            pairs = np.array([(i, j, *range(width, columns.shape[1])) for i, j in places])
            if categories is None:
                got = _correlate_pairs(columns, codes, pairs, method, level, confidence)
            else:
                within = level == "within"
                got = _pairs_given(categories[kept], columns, codes, pairs, within, confidence)
            parts = (got.value, got.low, got.high, got.num_problems, got.p)
            numbers = zip(*(part.tolist() for part in parts), strict=True)
            for pair, (r, low, high, count, p) in zip(product(left, right), numbers, strict=True):
                found[pair] = Correlation(r, low, high, count, len(columns), p)
    return [[found[i, j] for j in range(second.shape[1])] for i in range(first.shape[1])]


def _columns_by_known_rows(columns: Floats) -> Iterator[tuple[Ints, NDArray[np.bool_]]]:
    """Yield (places of columns, rows) of columns that are finite in the same rows."""
    finite = np.isfinite(columns)
    alike: dict[bytes, list[int]] = {}
    for place, known in enumerate(finite.T):
        alike.setdefault(known.tobytes(), []).append(place)
    for places in alike.values():
        yield np.array(places), finite[:, places[0]]


def _correlate_pairs(
    columns: Floats, codes: Ints, pairs: Ints, method: str, level: str, confidence: float
) -> Intervals:
    """Correlations of (pairs, 2 + C) columns, the first two with the others held fixed.

    The rows are complete. Leaving out a problem is subtracting its sums from the others', but ranks
    depend on all rows and are taken again.
    """
    # Ranks need no common scale, and scaling could part values that are equal, or join others.
    plain = method == "spearman" and level == "pooled"
    scaled = columns if plain else cross_products.standardised(columns)
    values, codes = cross_products.at_level(scaled, codes, level)
    active: NDArray[np.bool_] | bool = True
    if level == "within":  # a problem without any variation inside it says nothing
        varies = sum_values((values != 0).astype(np.float64), codes)[0] > 0
        active = np.asarray(varies[:, pairs].any(axis=-1))
    if method == "pearson":
        both = np.insert(pairs + 1, 0, 0, axis=1)
        sums = _submatrices(cross_products.cross_products(values, codes), both)
        total = sums.sum(axis=0)
        r, without = map(cross_products.correlations_from_products, (total, total - sums))
    else:
        problems = np.arange(int(codes.max(initial=-1)) + 1)
        all_or_all_but_one = ((problems != out).astype(np.float64) for out in (-1, *problems))
        ranked = _submatrices(rank_covariances(values, codes, all_or_all_but_one), pairs)
        with_all_first = cross_products.partial_correlations(ranked)
        r, without = with_all_first[0], with_all_first[1:]
    return fisher_interval(r, without, active, confidence)


def _pairs_given(
    categories: Ints, columns: Floats, codes: Ints, pairs: Ints, within: bool, confidence: float
) -> Intervals:
    """As ``_correlate_pairs``, with categories held fixed beside the columns that are."""
    scaled = cross_products.standardised(columns)
    values, codes = cross_products.at_level(scaled, codes, "within" if within else "pooled")
    active: NDArray[np.bool_] | bool = True
    if within:
        cells = np.unique(np.stack([codes, categories], axis=1), axis=0)[:, 0]
        several = np.bincount(cells, minlength=int(codes.max(initial=-1)) + 1) > 1
        varies = sum_values((values != 0).astype(np.float64), codes)[0] > 0
        active = np.asarray(varies[:, pairs].any(axis=-1) | several[:, None])
    whole, left = products_given_category(values, codes, categories, within=within)
    r = cross_products.partial_correlations(_submatrices(whole[None], pairs))[0]
    without = cross_products.partial_correlations(_submatrices(left, pairs))
    return fisher_interval(r, without, active, confidence)


def _category_codes(category: ArrayLike, rows: int, method: str, level: str) -> Ints:
    """(R,) labels as numbers from 0."""
    if method != "pearson" or level == "between":
        raise ValueError(
            f"a category is held fixed for pearson correlations, pooled or within problems; got "
            f"{method}, {level}"
        )
    codes, _ = pd.factorize(np.asarray(category))
    if len(codes) != rows or (codes < 0).any():
        raise ValueError(f"category must hold one label for each of {rows} values")
    return codes.astype(np.int64)


def _submatrices(matrices: Floats, columns: Ints) -> Floats:
    """(P, C, C) matrices and (pairs, c) choices of columns -> (P, pairs, c, c)."""
    return matrices[:, columns[:, :, None], columns[:, None, :]]


def partial_correlation(
    x: ArrayLike,
    y: ArrayLike,
    covariates: ArrayLike | pd.DataFrame,
    method: str = "pearson",
    confidence: float = 0.95,
) -> PartialCorrelation:
    """Correlation of x and y with the covariates held fixed, FOR INDEPENDENT ROWS.

    From -1 to 1: the correlation of what a linear regression on the covariates leaves of each.
    The p-value and the interval count rows, so they are wrong (far too sure) for several rows of
    one problem; use ``correlate`` for those.

    Takes (R,) values, (R,) or (R, C) covariates, and a name of ``METHODS``; rows with a missing or
    infinite value anywhere are dropped. All of the result is NaN but ``df`` where x or y does not
    vary beyond the covariates.

    Raises:
        ValueError: lengths differ, an unknown method, or too few complete rows (3 + covariates).

    Example:
        Three rows each of two groups that lie far apart. Over all rows x and y rise together;
        within the groups their deviations are (-1, 0, 1) and (-1, 1, 0), with correlation 1 / 2.

        >>> group = [0, 0, 0, 1, 1, 1]
        >>> x, y = [1, 2, 3, 11, 12, 13], [1, 3, 2, 21, 23, 22]
        >>> float(np.corrcoef(x, y)[0, 1].round(2))
        0.99
        >>> found = partial_correlation(x, y, group)
        >>> round(found.r, 12), found.df
        (0.5, 3)

    Source:
        Fisher (1924), "The distribution of the partial correlation coefficient": t with
        R - 2 - C degrees of freedom, and an interval on Fisher's z with variance
        1 / (R - 3 - C). Checked against pingouin and statsmodels' residuals.
    """
    lookup(METHODS, method, kind="method")
    check_confidence(confidence)
    first, second = _two_rows(x, y)
    columns = np.column_stack([first, second, _as_covariates(covariates, len(first))])
    columns = columns[np.isfinite(columns).all(axis=1)]
    rows, width = columns.shape
    if rows < width + 1:
        raise ValueError(
            f"a partial correlation with {width - 2} covariates needs at least {width + 1} "
            f"complete rows, got {rows}; add rows or hold fewer covariates fixed"
        )
    if method == "spearman":
        columns = stats.rankdata(columns, axis=0)
    values = cross_products.standardised(columns)
    held = values[:, 2:]
    rank = int(np.linalg.matrix_rank(held)) if width > 2 else 0  # a repeated covariate counts once
    df = rows - 2 - rank
    left = values[:, :2] - held @ np.linalg.lstsq(held, values[:, :2])[0]
    length = np.sqrt((left**2).mean(axis=0))
    if length.min() < RESIDUAL_ROUNDING:
        return PartialCorrelation(math.nan, math.nan, df)
    r = float((left / length).prod(axis=1).mean())
    if abs(r) > 1 - 1e-15:
        r = float(np.sign(r))
        return PartialCorrelation(r, 0.0, df, r, r)
    p = 2 * float(stats.t.sf(abs(r) * np.sqrt(df / (1 - r**2)), df))
    if df < 2:  # Fisher's z needs one more row
        return PartialCorrelation(r, p, df)
    reach = stats.norm.ppf((1 + confidence) / 2) / np.sqrt(df - 1)
    low, high = np.tanh(np.arctanh(r) + np.array([-reach, reach]))
    return PartialCorrelation(r, p, df, float(low), float(high))


def _two_rows(x: ArrayLike, y: ArrayLike) -> tuple[Floats, Floats]:
    first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError(
            f"x and y must be two rows of equal length, got shapes {first.shape} and {second.shape}"
        )
    return first, second


def _as_covariates(covariates: ArrayLike | pd.DataFrame | None, rows: int) -> Floats:
    """(rows, C) covariates; none are of width 0."""
    held = np.empty((rows, 0)) if covariates is None else np.asarray(covariates, np.float64)
    held = held[:, None] if held.ndim == 1 else held
    if held.ndim != 2 or len(held) != rows:
        raise ValueError(
            f"covariates must have one row for each of {rows} values, got shape {held.shape}"
        )
    return held
