"""Outcomes of conditions at equal cost: what each buys for the same tokens, FLOPs or price.

A condition whose samples are dear affords fewer of them. How many is real-valued: 5.4 samples are
6 for four problems of ten, drawn at random, and 5 for the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from workbench.analysis.stats.bootstrap import bootstrap_sums, sum_values
from workbench.analysis.stats.contrasts import judge_contrasts
from workbench.core.types import Floats, Ints

SNAP = 1e-9
"""A number of samples so near to a size, relative to it, is that size: the rest is rounding."""
COLUMNS = [
    "budget", "condition", "samples", "problems", "left_out",
    "mean", "mean_low", "mean_high",
    "difference", "difference_low", "difference_high", "difference_p",
]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Costs:
    """What samples cost, by problem and condition: k of them cost ``fixed + k * per_sample``.

    Any unit that adds up: tokens, FLOPs, money. (P, C) each; NaN where unknown. A problem whose
    cost is unknown in one of the conditions is left out of all means, so that all conditions are
    compared on the same problems. A condition whose cost is unknown for every problem is not
    compared.

    Raises:
        ValueError: the shapes differ, or a cost is negative or infinite.
    """

    per_sample: Floats
    fixed: Floats
    """Paid once for a problem, however many samples are drawn, such as a prompt that is shared."""

    def __post_init__(self) -> None:
        """Check shapes and signs."""
        shapes = np.shape(self.per_sample), np.shape(self.fixed)
        if shapes[0] != shapes[1] or len(shapes[0]) != 2:
            raise ValueError(
                "costs per sample and fixed costs must both be (problems, conditions), got shapes "
                f"{shapes[0]} and {shapes[1]}"
            )
        for name, costs in (("per_sample", self.per_sample), ("fixed", self.fixed)):
            odd = np.argwhere((costs < 0) | np.isinf(costs))
            if len(odd):
                problem, condition = odd[0]
                raise ValueError(
                    f"{name} is {costs[problem, condition]:g} for problem {problem} in condition "
                    f"{condition}; a cost is finite and not negative, or NaN where it is unknown"
                )

    @property
    def known(self) -> NDArray[np.bool_]:
        """(P,) whether a problem's cost is known in every condition that has known costs."""
        there = ~np.isnan(self.per_sample + self.fixed)
        return np.asarray(there[:, there.any(axis=0)].all(axis=1) & there.any())

    @property
    def means(self) -> tuple[Floats, Floats]:
        """(C,) mean cost per sample and mean fixed cost, over the same problems; NaN if unknown."""
        known = self.known
        count = known.sum() if known.any() else np.nan
        sums = (costs[known].sum(axis=0) for costs in (self.per_sample, self.fixed))
        per_sample, fixed = (np.asarray(total / count) for total in sums)
        return per_sample, fixed

    def budgets(self, samples: Sequence[float]) -> Floats:
        """Return the (B,) costs of so many samples of the condition in which they cost most.

        Example:
            Two samples of the first cost 2 x 3, those of the second 5 + 2 x 1.

            >>> costs = Costs(per_sample=np.array([[3.0, 1.0]]), fixed=np.array([[0.0, 5.0]]))
            >>> costs.budgets([2, 4]).tolist()
            [7.0, 12.0]
        """
        per_sample, fixed = self.means
        costs = fixed + np.asarray(samples, dtype=np.float64)[:, None] * per_sample  # (B, C)
        return np.asarray(np.nanmax(costs, axis=1)) if self.known.any() else costs[:, 0]

    def affordable(self, budgets: Floats) -> Floats:
        """Return (B, C) samples that each budget affords; infinity where they are free.

        Example:
            >>> costs = Costs(per_sample=np.array([[3.0, 1.0]]), fixed=np.array([[0.0, 5.0]]))
            >>> costs.affordable(np.array([12.0])).tolist()
            [[4.0, 7.0]]
        """
        per_sample, fixed = self.means
        left = np.asarray(budgets, dtype=np.float64)[:, None] - fixed
        free = per_sample == 0
        samples = left / np.where(free, 1.0, per_sample)
        return np.where(free, np.where(left >= 0, np.inf, -np.inf), samples)


def matched_budget(
    curves: Floats,
    sizes: Sequence[int],
    costs: Costs,
    budgets: Floats,
    *,
    reference: int = 0,
    weights: Iterable[Floats],
    confidence: float = 0.95,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Outcomes of conditions at equal cost, and their differences from a reference condition.

    At a budget each condition has the number of samples that it affords on average over problems.
    Its outcome there lies on the line between the two neighbouring sizes. Between k and k + 1 the
    line is exact: it is what one gets who draws k + 1 samples for a share of the problems, chosen
    at random, and k for the others. Between sizes that lie farther apart the line is an
    approximation, too low for a curve that flattens, such as coverage.

    The budgets are taken as given. That the mean costs are estimates, so that another set of
    problems would afford other numbers of samples, is part of every interval and p-value: to a
    problem's outcome is added what its own cost moves the number of samples, times the slope of
    the mean curve there (at a size, the mean of the slopes on its two sides). A bootstrap that
    averages costs and curves anew in every resample gives about the same standard error, and its
    percentile intervals of differences cover less (``judge_contrasts``).

    Args:
        curves: (P, C, K) outcome at each size, an exact expectation; NaN where unknown.
        sizes: the K sizes, rising. At least two, without which there is no line.
        costs: of the P problems and C conditions.
        budgets: (B,) in the unit of the costs, such as ``costs.budgets([1, 2, 4])``.
        reference: place of the condition with which the others are compared.
        weights: (resamples, P) blocks of how often each problem is drawn, such as ``Resamples``.
        confidence: share of intervals that should hold the true value.
        rng: draws the signs behind the p-values.

    Returns:
        A row for each budget and condition: ``budget``; ``condition``, its place; ``samples`` that
        it affords; ``problems`` behind the numbers and those ``left_out``, of which a cost, or the
        outcome of the condition or the reference at the sizes needed, is unknown; ``mean``,
        ``mean_low``, ``mean_high`` (percentile bootstrap over problems); ``difference`` from the
        reference with ``_low``, ``_high`` and ``_p`` (``judge_contrasts``). Means and differences
        are NaN where the samples are fewer than the smallest size or more than the largest, and
        differences also where those of the reference are; bounds and p below 10 problems.

    Raises:
        ValueError: the shapes do not fit, the sizes do not rise, or an outcome is infinite.

    Example:
        Samples of the second condition are right as often, at twice the cost.

        >>> from workbench.analysis.stats.bootstrap import Resamples
        >>> coverage = np.tile([0.5, 0.75, 0.875, 0.9375], (10, 2, 1))
        >>> costs = Costs(np.tile([100.0, 200.0], (10, 1)), np.zeros((10, 2)))
        >>> found = matched_budget(coverage, [1, 2, 3, 4], costs, costs.budgets([1, 2]),
        ...                        weights=Resamples(10, 100, 0), rng=np.random.default_rng(0))
        >>> found[["budget", "condition", "samples", "mean", "difference"]].values.tolist()
        [[200.0, 0.0, 2.0, 0.75, nan], [200.0, 1.0, 1.0, 0.5, -0.25], [400.0, 0.0, 4.0, 0.9375, \
nan], [400.0, 1.0, 2.0, 0.75, -0.1875]]

    Source:
        The linearised difference is the infinitesimal jackknife: Efron & Tibshirani (1993),
        chapter 21.
    """
    values, places = _checked(curves, sizes, costs, reference)
    values = np.where(costs.known[:, None, None], values, np.nan)
    samples = _snapped(costs.affordable(budgets), places)
    means, gaps = [], []
    for row in samples:
        outcomes = _outcomes_at(values, places, row)
        moved = _moved_by_cost(values, places, row, costs)
        base = outcomes[:, [reference]]
        both = outcomes if np.isnan(base).all() else np.where(np.isnan(base), np.nan, outcomes)
        means.append(_adjusted(both, moved))
        gaps.append(_adjusted(outcomes - base, moved - moved[:, [reference]]))
        gaps[-1][:, reference] = np.nan
    table = np.concatenate(means, axis=1)  # (P, B x C)
    sums, counts = sum_values(table, np.arange(len(table)))
    mean = bootstrap_sums(sums, counts, weights, confidence)
    gap = judge_contrasts(np.concatenate(gaps, axis=1), confidence=confidence, rng=rng)
    conditions = np.tile(np.arange(values.shape[1]), len(samples))
    budget = np.repeat(np.asarray(budgets, dtype=np.float64), values.shape[1])
    parts = budget, conditions, samples.ravel(), mean.num_problems, len(table) - mean.num_problems
    numbers = mean.value, mean.low, mean.high, gap.value, gap.low, gap.high, gap.p
    return pd.DataFrame(dict(zip(COLUMNS, (*parts, *numbers), strict=True)))


def _outcomes_at(values: Floats, sizes: Floats, samples: Floats) -> Floats:
    """(P, C) outcomes at each condition's number of samples; NaN beyond the sizes."""
    found = np.full(values.shape[:2], np.nan)
    for condition in _inside(sizes, samples):
        k, curve = samples[condition], values[:, condition]
        above = int(np.searchsorted(sizes, k))
        if sizes[above] == k:  # the other size is not needed, and may be unknown
            found[:, condition] = curve[:, above]
        else:
            share = (k - sizes[above - 1]) / (sizes[above] - sizes[above - 1])
            found[:, condition] = (1 - share) * curve[:, above - 1] + share * curve[:, above]
    return found


def _moved_by_cost(values: Floats, sizes: Floats, samples: Floats, costs: Costs) -> Floats:
    """(P, C) what a problem's own cost does to the mean outcome, by the samples afforded.

    At the budget b the samples are k = (b - fixed) ÷ per_sample, of mean costs. A problem moves
    them by -(its fixed cost - the mean + k (its cost per sample - the mean)) ÷ per_sample.
    """
    found = np.full(values.shape[:2], np.nan)
    per_sample, fixed = costs.means
    for condition in _inside(sizes, samples):
        k = samples[condition]
        beyond = costs.fixed[:, condition] - fixed[condition]
        beyond = beyond + k * (costs.per_sample[:, condition] - per_sample[condition])
        slope = _slope(values[:, condition], sizes, k)
        found[:, condition] = -slope * beyond / per_sample[condition]
    return found


def _slope(curve: Floats, sizes: Floats, k: float) -> float:
    """Slope of a mean (P, K) curve at k; at a size, the mean of the slopes on its two sides.

    A side on which no problem is known, or none lies, leaves the slope to the other.
    """
    last = len(sizes) - 2
    sides = {
        int(np.clip(np.searchsorted(sizes, k, side=side) - 1, 0, last))
        for side in ("left", "right")
    }
    rises = [curve[:, side + 1] - curve[:, side] for side in sides]
    known = [rise[~np.isnan(rise)] for rise in rises]
    slopes = [
        rise.mean() / (sizes[side + 1] - sizes[side])
        for side, rise in zip(sides, known, strict=True)
        if len(rise)
    ]
    return float(np.mean(slopes)) if slopes else np.nan


def _adjusted(outcomes: Floats, moved: Floats) -> Floats:
    """Add what costs do, so that means stay as they are and the spread is that of both."""
    known = ~np.isnan(outcomes)
    moves = np.where(known, moved, 0.0)
    mean = moves.sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.asarray(outcomes + moves - mean)


def _inside(sizes: Floats, samples: Floats) -> Ints:
    """Return the conditions whose number of samples lies between the smallest and largest size."""
    if len(sizes) < 2:
        return np.array([], dtype=np.int64)
    return np.flatnonzero((samples >= sizes[0]) & (samples <= sizes[-1]))


def _snapped(samples: Floats, sizes: Floats) -> Floats:
    """Make numbers of samples that are a size but for rounding that size."""
    found = samples.copy()
    for size in sizes:
        found[np.abs(samples - size) <= SNAP * size] = size
    return found


def _checked(
    curves: Floats, sizes: Sequence[int], costs: Costs, reference: int
) -> tuple[Floats, Floats]:
    values, places = np.asarray(curves, dtype=np.float64), np.asarray(sizes, dtype=np.float64)
    wanted = (*costs.per_sample.shape, len(places))
    if values.shape != wanted:
        raise ValueError(
            f"curves must be (problems, conditions, sizes), here {wanted} as the costs and sizes "
            f"are, got shape {values.shape}"
        )
    if not len(places) or places[0] < 1 or (np.diff(places) <= 0).any():
        raise ValueError(f"sizes must be whole numbers from 1, rising, got {list(sizes)}")
    if np.isinf(values).any():
        problem, condition, size = np.argwhere(np.isinf(values))[0]
        raise ValueError(
            f"the outcome of problem {problem} in condition {condition} at size {sizes[size]} is "
            "infinite, so a mean has no meaning; give NaN where it is unknown"
        )
    if not 0 <= reference < values.shape[1]:
        raise ValueError(
            f"the reference is one of {values.shape[1]} conditions, counted from 0; got {reference}"
        )
    return values, places
