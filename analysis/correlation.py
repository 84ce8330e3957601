"""Correlation of two columns, over rows of many problems or over independent rows.

``correlate`` is for the tables: its intervals take the problem as the unit. ``partial_correlation``
is the textbook statistic with a p-value, for rows that are independent.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from analysis.resample import (
    Intervals,
    check_confidence,
    fisher_interval,
    jackknife_interval,
    problem_codes,
    sum_by_problem,
)
from workbench.lookup import lookup
from workbench.types import Floats, Ints

METHODS = {
    "pearson": "correlation of the values",
    "spearman": "correlation of their ranks, equal values sharing the mean rank",
}
LEVELS = {
    "pooled": "over all rows, as in the study: mixes difficulty with the rest",
    "within": "both less their problem's mean: difficulty removed",
    "between": "of the problems' means, each problem counted once",
}
NO_VARIATION = 1e-12
"""A variance this much below the column's own is rounding, not variation."""
RESIDUAL_ROUNDING = 1e-12
"""The same for the standard deviation of least-squares residuals, which keep more digits."""


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
    p: float = float("nan")
    """Two-sided, of r = 0, the problem as the unit; NaN where there is no interval."""


@dataclass(frozen=True)
class PartialCorrelation:
    """A partial correlation of independent rows, -1 to 1, with its p-value and interval."""

    r: float
    p: float
    """Two-sided, of r = 0."""
    df: int
    """Degrees of freedom of the t statistic: rows - 2 - covariates."""
    low: float
    high: float


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

    Args:
        x: (R,) values.
        y: (R,) values.
        problems: (R,) problem of each row, as any label.
        covariates: (R,) or (R, C) values held fixed.
        method: "pearson" or "spearman".
        level: "pooled", "within" or "between".
        confidence: share of such intervals that should hold the true value.

    Returns:
        The coefficient, NaN where it is undefined; bounds NaN below 10 problems.

    Raises:
        ValueError: an unknown method or level, or lengths that differ.

    Source:
        Efron & Tibshirani (1993), chapter 11, for the jackknife; coefficients checked against
        numpy, scipy and least-squares residuals.
    """
    lookup(METHODS, method, kind="method")
    lookup(LEVELS, level, kind="level")
    columns, kept = _complete_rows(x, y, covariates)
    labels = np.asarray(problems)
    if labels.shape != kept.shape:
        raise ValueError(
            f"problems must hold one label for each of {len(kept)} rows, got shape {labels.shape}"
        )
    codes = problem_codes(labels[kept])
    # Ranks need no common scale, and scaling could part values that are equal, or join others.
    plain = method == "spearman" and level == "pooled"
    values, codes = _at_level(columns if plain else _standardised(columns), codes, level)
    # A problem without any variation inside it says nothing at the level "within".
    says = (values != 0).any(axis=1) | (level != "within")
    active = np.bincount(codes, weights=says) > 0
    jackknife = _rank_jackknife if method == "spearman" else _jackknife
    found = jackknife(values, codes, active, confidence)
    return Correlation(
        r=float(found.value),
        low=float(found.low),
        high=float(found.high),
        num_problems=int(found.num_problems),
        num_rows=len(columns),
        p=float("nan") if found.p is None else float(found.p),
    )


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

    Args:
        x: (R,) values.
        y: (R,) values.
        covariates: (R,) or (R, C) values held fixed. Rows with a missing or infinite value
            anywhere are dropped.
        method: "pearson", or "spearman" for the same of ranks (equal values share the mean rank).
        confidence: share of such intervals that should hold the true value.

    Returns:
        All NaN but ``df`` where x or y does not vary beyond the covariates.

    Raises:
        ValueError: lengths differ, an unknown method, or too few complete rows (3 + covariates).

    Source:
        Fisher (1924), "The distribution of the partial correlation coefficient": t with
        R - 2 - C degrees of freedom, and an interval on Fisher's z with variance
        1 / (R - 3 - C). Checked against pingouin and statsmodels' residuals.
    """
    lookup(METHODS, method, kind="method")
    check_confidence(confidence)
    columns, _ = _complete_rows(x, y, covariates)
    rows, width = columns.shape
    if rows < width + 1:
        raise ValueError(
            f"a partial correlation with {width - 2} covariates needs at least {width + 1} "
            f"complete rows, got {rows}; add rows or hold fewer covariates fixed"
        )
    if method == "spearman":
        columns = stats.rankdata(columns, axis=0)
    values = _standardised(columns)
    held = values[:, 2:]
    rank = int(np.linalg.matrix_rank(held)) if width > 2 else 0  # a repeated covariate counts once
    df = rows - 2 - rank
    left = values[:, :2] - held @ np.linalg.lstsq(held, values[:, :2])[0]
    nothing = float("nan")
    length = np.sqrt((left**2).mean(axis=0))
    if length.min() < RESIDUAL_ROUNDING:
        return PartialCorrelation(nothing, nothing, df, nothing, nothing)
    r = float((left / length).prod(axis=1).mean())
    if abs(r) > 1 - 1e-15:
        r = float(np.sign(r))
        return PartialCorrelation(r, 0.0, df, r, r)
    p = 2 * float(stats.t.sf(abs(r) * np.sqrt(df / (1 - r**2)), df))
    if df < 2:  # Fisher's z needs one more row
        return PartialCorrelation(r, p, df, nothing, nothing)
    reach = stats.norm.ppf((1 + confidence) / 2) / np.sqrt(df - 1)
    low, high = np.tanh(np.arctanh(r) + np.array([-reach, reach]))
    return PartialCorrelation(r, p, df, float(low), float(high))


def _complete_rows(
    x: ArrayLike, y: ArrayLike, covariates: ArrayLike | pd.DataFrame | None
) -> tuple[Floats, NDArray[np.bool_]]:
    """(rows, 2 + C) columns x, y, covariates of the complete rows, and (R,) which those are."""
    first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError(
            f"x and y must be two rows of equal length, got shapes {first.shape} and {second.shape}"
        )
    held = np.empty((len(first), 0)) if covariates is None else np.asarray(covariates, np.float64)
    held = held[:, None] if held.ndim == 1 else held
    if held.ndim != 2 or len(held) != len(first):
        raise ValueError(
            f"covariates must have one row for each of {len(first)} values, got shape {held.shape}"
        )
    columns = np.column_stack([first, second, held])
    kept = np.asarray(np.isfinite(columns).all(axis=1))
    return columns[kept], kept


def _standardised(columns: Floats) -> Floats:
    """Columns of mean 0 and variance 1; a constant column becomes exactly 0."""
    if not len(columns):
        return columns
    varies = np.ptp(columns, axis=0) > 0
    centred = np.where(varies, columns - columns.mean(axis=0), 0.0)
    return np.asarray(centred / np.where(varies, centred.std(axis=0), 1.0))


def _at_level(values: Floats, codes: Ints, level: str) -> tuple[Floats, Ints]:
    """Standardised rows as deviations from their problem's mean, or as the problems' means."""
    if level == "pooled" or not len(values):
        return values, codes
    means = sum_by_problem(values, codes) / np.bincount(codes)[:, None]
    between = level == "between"
    # Rounded, because equal deviations that differ in the last bit would not be tied in rank.
    rows = np.round(means if between else values - means[codes], 12)
    spread = np.sqrt((rows**2).mean(axis=0))
    return rows / np.where(spread > 0, spread, 1.0), np.arange(len(means)) if between else codes


def _jackknife(
    values: Floats, codes: Ints, active: NDArray[np.bool_], confidence: float
) -> Intervals:
    """Correlation of the values, leaving out one problem at a time."""
    rows = np.column_stack([np.ones(len(values)), values])
    products = (rows[:, :, None] * rows[:, None, :]).reshape(len(rows), rows.shape[1] ** 2)
    moments = sum_by_problem(products, codes).reshape(-1, rows.shape[1], rows.shape[1])
    return jackknife_interval(moments, _from_cross_products, active, confidence)


def _rank_jackknife(
    values: Floats, codes: Ints, active: NDArray[np.bool_], confidence: float
) -> Intervals:
    """Correlation of the ranks, taken again without each problem: they depend on all rows."""
    columns = [np.unique(column, return_inverse=True)[1] for column in values.T]
    members = [np.flatnonzero(codes == problem) for problem in range(len(active))]
    nobody = np.empty(0, dtype=np.int64)
    without = [_rank_covariance(columns, left_out) for left_out in members]
    shape = (len(without), len(columns), len(columns))
    return fisher_interval(
        _partial(_rank_covariance(columns, nobody)),
        _partial(np.array(without).reshape(shape)),
        active,
        confidence,
    )


def _rank_covariance(columns: list[Ints], left_out: Ints) -> Floats:
    """(C, C) covariance of mean ranks without some rows; columns number their values in order."""
    rows = len(columns[0]) - len(left_out)
    if rows < 2:
        return np.zeros((len(columns), len(columns)))
    ranks = []
    for column in columns:
        counts = np.bincount(column)
        counts -= np.bincount(column[left_out], minlength=len(counts))
        # of a value: those below it + half of its own; the mean over all rows is rows / 2
        centred = (np.cumsum(counts) - (counts + rows) / 2)[column] / rows
        centred[left_out] = 0.0
        ranks.append(centred)
    table = np.array(ranks)
    return np.asarray(table @ table.T / rows * 12)  # 1 on the diagonal where nothing is tied


def _from_cross_products(products: Floats) -> Floats:
    """(..., 1 + C, 1 + C) sums of products of (1, columns) -> (...) partial correlations."""
    rows = np.maximum(products[..., :1, :1], 1.0)
    means = products[..., 1:, :1] / rows
    return _partial(products[..., 1:, 1:] / rows - means * np.swapaxes(means, -1, -2))


def _partial(covariance: Floats) -> Floats:
    """(..., C, C) covariances of x, y and covariates -> (...) correlations given the latter.

    The Schur complement of the covariates' block; columns have about variance 1.
    """
    pair, cross, held = covariance[..., :2, :2], covariance[..., :2, 2:], covariance[..., 2:, 2:]
    if held.shape[-1]:
        inverse = np.linalg.pinv(held, rcond=1e-10, hermitian=True)
        pair = pair - cross @ inverse @ np.swapaxes(cross, -1, -2)
    product = pair[..., 0, 0] * pair[..., 1, 1]
    varies = (pair[..., 0, 0] > NO_VARIATION) & (pair[..., 1, 1] > NO_VARIATION)
    r = pair[..., 0, 1] / np.sqrt(np.where(varies, product, 1.0))
    return np.asarray(np.where(varies, np.clip(r, -1.0, 1.0), np.nan))
