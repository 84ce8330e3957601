"""Accuracy and coverage of what is drawn so far, with intervals over problems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workbench.analysis.stats.bootstrap import MIN_PROBLEMS, Resamples, bootstrap_sums
from workbench.core.types import Floats, Ints
from workbench.metrics.passk import pass_at_k
from workbench.score.running_tally import Counted


@dataclass(frozen=True)
class Estimate:
    """A mean over problems; the bounds are NaN below 10 problems."""

    value: float
    low: float
    high: float
    problems: int

    def __str__(self) -> str:
        """Spell the mean with its interval, or a dash."""
        if np.isnan(self.value):
            return "-"
        bounds = "" if np.isnan(self.low) else f" [{self.low:.2f}, {self.high:.2f}]"
        return f"{self.value:.2f}{bounds}"


@dataclass(frozen=True)
class SoFar:
    """What the samples of a condition show so far."""

    accuracy: Estimate
    """Of a single sample: the mean over problems of the share that is right."""
    k: int
    """The largest k of which enough pools have so many samples of known correctness: 10, or all."""
    coverage: Estimate
    """Exact pass@k over those pools."""


def results_so_far(counted: Counted, resamples: Resamples, confidence: float) -> Sequence[SoFar]:
    """Return the accuracy and the coverage of each condition.

    Means and intervals are those of the tables ``accuracy_by_k_temperature`` and
    ``coverage_curve``, once all samples are there and scored: each problem counts alike, the
    unknown are left out, and the same resamples of the problems are drawn.
    """
    known, right = counted.known, counted.right
    sizes = [largest_k(column) for column in known.T]
    shares = np.divide(right, known, out=np.full(known.shape, np.nan), where=known > 0)
    covers = np.full(known.shape, np.nan)
    for place, k in enumerate(sizes):
        enough = known[:, place] >= max(k, 1)
        if enough.any():
            covers[enough, place] = pass_at_k(known[enough, place], right[enough, place], max(k, 1))
    values: Floats = np.hstack([shares, covers])
    there = ~np.isnan(values)
    sums = np.where(there, values, 0.0)
    found = bootstrap_sums(sums, there.astype(np.float64), resamples, confidence)
    columns = (found.value, found.low, found.high, found.num_problems)
    estimates = [
        Estimate(float(value), float(low), float(high), int(problems))
        for value, low, high, problems in zip(*columns, strict=True)
    ]
    count = known.shape[1]
    pairs = zip(estimates[:count], sizes, estimates[count:], strict=True)
    return [SoFar(accuracy, k, coverage) for accuracy, k, coverage in pairs]


def largest_k(known: Ints) -> int:
    """Return the largest k of which 10 pools hold so many samples, or all where they are fewer.

    Example:
        >>> largest_k(np.array([16, 3])), largest_k(np.array([16] * 12 + [3] * 20 + [0]))
        (3, 16)
        >>> largest_k(np.array([0, 0]))
        0
    """
    begun = np.sort(known[known > 0])[::-1]
    return int(begun[min(len(begun), MIN_PROBLEMS) - 1]) if len(begun) else 0
