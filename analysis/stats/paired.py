"""Paired comparison on the same problems: differences, their uncertainty, and p-values.

Two conditions (runs, temperatures, selections, rewards) are compared problem by problem, which
takes the difficulty that they share out of the comparison. Rows of arrays are problems.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from workbench.analysis.stats.bootstrap import bootstrap_means, check_confidence
from workbench.analysis.stats.power import MIN_PROBLEMS, SAME, problems_needed, smallest_effect
from workbench.core.types import Floats

FLIPS = 9999
"""Sign flips behind a p-value, the smallest of which is then 1 in 10,000: small enough to survive
the correction of a table of several hundred rows."""
MOST_CELLS = 4_000_000
"""Random numbers held in memory at once (32 MB)."""


@dataclass(frozen=True)
class Paired:
    """The mean over problems of the second condition less the first, and how sure it is."""

    value: float
    """Mean difference, in the unit of the values."""
    low: float
    """Percentile bootstrap interval over problems; NaN below 10 problems."""
    high: float
    p: float
    """Two-sided, of no difference, by flipping signs: never 0; NaN below 10 problems."""
    sd: float
    """Standard deviation of the differences over problems; NaN for a single one."""
    differ: float
    """Share of problems whose two values differ, 0 to 1."""
    num_problems: int
    """Problems with both values."""

    @property
    def smallest(self) -> float:
        """Smallest difference seen with 80 % power; NaN below 10 problems or where none differ."""
        if self.num_problems < MIN_PROBLEMS or not self.sd > SAME:
            return math.nan
        return smallest_effect(self.num_problems) * self.sd

    @property
    def needed(self) -> float:
        """Problems that would show the observed difference: see ``problems_needed``."""
        return problems_needed(self.value, self.sd)


def compare_means(
    second: ArrayLike,
    first: ArrayLike,
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
    rng: np.random.Generator,
) -> Paired:
    """Compare two conditions, (P,) values each, over the problems that have both; NaN is no value.

    Raises:
        ValueError: the shapes differ, a value is infinite, or ``confidence`` is not a share.

    Example:
        Right in three problems of four instead of one; in two problems nothing changes.

        >>> rng = np.random.default_rng(0)
        >>> found = compare_means([1, 1, 0, 1], [0, 1, 0, 0], rng=rng)
        >>> found.value, found.differ, found.num_problems
        (0.5, 0.5, 4)
    """
    one, other = (np.asarray(values, dtype=np.float64) for values in (second, first))
    if one.ndim != 1 or one.shape != other.shape:
        raise ValueError(
            "a paired comparison needs one value per problem of both conditions, got shapes "
            f"{one.shape} and {other.shape}"
        )
    difference = (one - other)[:, None]
    return compare_columns(difference, resamples=resamples, confidence=confidence, rng=rng)[0]


def compare_columns(
    differences: ArrayLike,
    *,
    resamples: int = 2000,
    confidence: float = 0.95,
    rng: np.random.Generator,
) -> list[Paired]:
    """Judge (P, C) paired differences by column, with the same resamples and flips for all.

    A difference is the second condition less the first; NaN where a problem lacks one of them.

    Raises:
        ValueError: a value is infinite, or ``confidence`` is not a share.
    """
    table = np.asarray(differences, dtype=np.float64)
    means = bootstrap_means(
        table, np.arange(len(table)), resamples=resamples, confidence=confidence, rng=rng
    )
    p = sign_flip_p(table, rng=rng)
    found = []
    for column, values in enumerate(table.T):
        known = values[~np.isnan(values)]
        enough = len(known) >= MIN_PROBLEMS
        found.append(
            Paired(
                value=float(means.value[column]),
                low=float(means.low[column]),
                high=float(means.high[column]),
                p=float(p[column]) if enough else math.nan,
                sd=float(known.std(ddof=1)) if len(known) > 1 else math.nan,
                differ=float((np.abs(known) > SAME).mean()) if len(known) else math.nan,
                num_problems=len(known),
            )
        )
    return found


def sign_flip_p(differences: Floats, *, flips: int = FLIPS, rng: np.random.Generator) -> Floats:
    """p-values of no difference: how often random signs give a mean as far from 0.

    Were there no difference, each problem's would be as likely the other way round. All 2^P signs
    are tried where there are no more than ``flips`` of them; else random ones, and the data count
    as one of them, so that p is at least 1 / (flips + 1).

    Takes (P, C) paired differences, of which NaN is left out of its column. Gives (C,) two-sided
    p-values, above 0; 1 where all differences are 0 or there are none.

    Example:
        Of the eight ways to give three equal differences a sign, two have a mean as far from 0.

        >>> float(sign_flip_p(np.ones((3, 1)), rng=np.random.default_rng(0))[0])
        0.25

    Source:
        Phipson & Smyth (2010), "Permutation p-values should never be zero". Equal to
        ``scipy.stats.permutation_test(..., permutation_type="samples")``, which does one column
        at a time and takes 15 times as long.
    """
    known = ~np.isnan(differences)
    values = np.where(known, differences, 0.0)  # a 0 adds nothing, whatever its sign
    few = known.sum(axis=0) < flips.bit_length()  # 2^P is at most flips
    p = np.empty(values.shape[1])
    patterns, pattern = np.unique(known[:, few], axis=1, return_inverse=True)
    for number, rows in enumerate(patterns.T):
        columns = np.flatnonzero(few)[pattern == number]
        size = int(rows.sum())
        signs = ((np.arange(2**size)[:, None] >> np.arange(size)) & 1).astype(np.float64)
        p[columns] = _count_as_extreme(values[np.ix_(rows, columns)], [signs]) / 2**size
    if not few.all():
        drawn = _random_signs(len(values), flips, rng)
        p[~few] = (_count_as_extreme(values[:, ~few], drawn) + 1) / (flips + 1)
    return p


def _count_as_extreme(values: Floats, signs: Iterable[Floats]) -> Floats:
    """(C,) how many choices (S, P), 1: kept, of signs give a sum as far from 0 as the values."""
    total = values.sum(axis=0)
    bar = np.abs(total) - SAME * (1 + np.abs(values).sum(axis=0))
    count = np.zeros(values.shape[1])
    for kept in signs:
        width = max(1, MOST_CELLS // len(kept))
        for start in range(0, len(count), width):
            some = slice(start, start + width)
            sums = kept @ values[:, some]
            sums *= 2
            sums -= total[some]
            count[some] += np.count_nonzero(np.abs(sums, out=sums) >= bar[some], axis=0)
    return count


def _random_signs(size: int, flips: int, rng: np.random.Generator) -> Iterator[Floats]:
    block = max(1, MOST_CELLS // max(size, 1))
    for start in range(0, flips, block):
        shape = (min(block, flips - start), size)
        yield rng.integers(0, 2, shape, dtype=np.int8).astype(np.float64)


def discovery_rates(p: ArrayLike) -> Floats:
    """Benjamini-Hochberg q-values over the p-values of one table; NaN is no test and stays NaN.

    Example:
        With two tests the smaller p-value counts twice.

        >>> discovery_rates([0.01, 0.04, np.nan]).tolist()
        [0.02, 0.04, nan]
    """
    values = np.asarray(p, dtype=np.float64)
    tested = ~np.isnan(values)
    found = np.full(values.shape, np.nan)
    if tested.any():
        found[tested] = stats.false_discovery_control(values[tested])
    return found


@dataclass(frozen=True, eq=False)
class Band:
    """A curve of mean differences with a band that holds all of the true curve at once."""

    value: Floats
    """(K,) mean differences."""
    low: Floats
    """(K,) NaN where there are fewer than 10 problems."""
    high: Floats
    critical: float
    """Standard errors from the curve to the band."""


def simultaneous_band(
    differences: ArrayLike,
    *,
    resamples: int = 4000,
    confidence: float = 0.95,
    rng: np.random.Generator,
) -> Band:
    """Band over a whole curve of paired differences: Gaussian multipliers on problems, sup-t.

    Takes (P, K) differences of problems at the points of the curve, each in [-1, 1]; NaN where a
    problem lacks one of the two. ``confidence`` is the share of such bands that should hold the
    true curve at all its points. Where all problems differ by the same amount nothing is known of
    the spread, so the band is all that is possible, [-1, 1].

    Raises:
        ValueError: a value is not in [-1, 1], or ``confidence`` is not a share.

    Example:
        Ten problems that all differ by 0.1 say nothing of those that would not.

        >>> band = simultaneous_band(np.full((10, 1), 0.1), rng=np.random.default_rng(0))
        >>> float(band.value[0].round(3)), float(band.low[0]), float(band.high[0])
        (0.1, -1.0, 1.0)

    Source:
        As the package passk-inference does for pass@k: with equal draws it gives equal bands.
    """
    check_confidence(confidence)
    rows = np.asarray(differences, dtype=np.float64)
    missing = np.isnan(rows)
    if (np.abs(rows[~missing]) > 1 + SAME).any():
        largest = np.nanmax(np.abs(rows))
        raise ValueError(f"differences of accuracies lie in [-1, 1], got {largest:g}")
    counts = np.maximum((~missing).sum(axis=0), 1)
    mean = np.where(missing, 0.0, rows).sum(axis=0) / counts
    mean = np.where(missing.all(axis=0), np.nan, mean)
    centred = np.where(missing, 0.0, rows - mean)
    spread = (centred**2).sum(axis=0) / np.maximum(counts - 1, 1)
    error = np.sqrt(spread / counts)
    enough = (~missing).sum(axis=0) >= MIN_PROBLEMS
    testable = enough & (error > SAME)
    critical = math.nan
    if testable.any():
        scaled = centred[:, testable] / (counts * error)[testable]  # (P, testable K)
        block = max(1, MOST_CELLS // len(rows))
        maxima = [
            np.abs(rng.standard_normal((min(block, resamples - start), len(rows))) @ scaled).max(1)
            for start in range(0, resamples, block)
        ]
        critical = float(np.quantile(np.concatenate(maxima), confidence))
    reach = np.where(testable, critical * error, np.nan)
    low = np.where(testable, mean - reach, np.where(enough, -1.0, np.nan))
    high = np.where(testable, mean + reach, np.where(enough, 1.0, np.nan))
    return Band(mean, low, high, critical)
