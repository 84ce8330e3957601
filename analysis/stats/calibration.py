"""How far a reward can be trusted: does it tell right samples from wrong, and is it calibrated?

Everything is over samples whose correctness and reward are both known. Intervals take the problem
as the unit; ``workbench.analysis.tables.rewards`` makes tables of this.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from workbench.analysis.stats.bootstrap import fisher_interval, problem_codes, sum_values
from workbench.core.types import Floats, Ints

BINS = 10
"""Bins of equal width, 0 to 1, in which a probability is compared with what came of it."""
MOST_GROUPS = 200
"""Parts that the problems are dealt into where there are more of them: each part left out costs a
pass over the samples."""


@dataclass(frozen=True)
class Share:
    """A number from 0 to 1 with its interval over problems."""

    value: float
    """NaN where it is undefined: no right sample, or no wrong one."""
    low: float
    """NaN below 10 problems."""
    high: float
    p: float = math.nan
    """Two-sided, of 0.5; NaN where there is no interval."""


@dataclass(frozen=True, eq=False)
class RewardSamples:
    """A reward's samples, sorted by level: samples of equal reward are of one level."""

    rewards: Floats
    """(R,) rewards, ascending."""
    right: Floats
    """(R,) 1 where the sample is correct, else 0."""
    groups: Ints
    """(R,) which part of the problems each sample belongs to, from 0."""

    def __len__(self) -> int:
        """R, the number of samples."""
        return len(self.rewards)


UNDEFINED = Share(math.nan, math.nan, math.nan)


def reward_samples(rewards: ArrayLike, correct: ArrayLike, problems: ArrayLike) -> RewardSamples:
    """Sort samples by reward (R,), larger is better; correct is 1 or ``True`` where one is right.

    Samples of which one or the other is NaN, unknown, are left out; a problem is any label.

    Raises:
        ValueError: the lengths differ.
    """
    values, right = (np.asarray(a, dtype=np.float64) for a in (rewards, correct))
    labels = np.asarray(problems)
    if not values.shape == right.shape == labels.shape or values.ndim != 1:
        raise ValueError(
            "rewards, correct and problems must be one row each and of equal length, got shapes "
            f"{values.shape}, {right.shape} and {labels.shape}"
        )
    known = ~np.isnan(values) & ~np.isnan(right)
    order = np.argsort(values[known], kind="stable")
    codes = problem_codes(labels[known][order]) % MOST_GROUPS
    return RewardSamples(values[known][order], right[known][order], codes)


def auroc(samples: RewardSamples) -> Share:
    """Chance that a right sample has a higher reward than a wrong one, ties counting half.

    From 0 to 1; 0.5 is no better than chance, 1 a reward that never errs. Over samples of all
    problems, so telling easy problems from hard ones raises it: ``ranking_accuracy`` does not
    count that, and is what best-of-N depends on.

    Example:
        Of the four pairs of a right and a wrong sample, three are in the right order.

        >>> auroc(reward_samples([0.9, 0.8, 0.3, 0.1], [1, 0, 1, 0], ["a", "a", "b", "b"])).value
        0.75

    Source:
        Hanley & McNeil (1982); problems left out one by one as for clustered data, Obuchowski
        (1997); on the scale of log odds. Checked against scikit-learn's ``roc_auc_score``.
    """

    def area(right: Floats, wrong: Floats) -> float:
        below = np.cumsum(wrong) - wrong / 2
        pairs = right.sum() * wrong.sum()
        return float(right @ below / pairs) if pairs else math.nan

    return _jackknife_over_levels(samples, area)


def average_precision(samples: RewardSamples) -> Share:
    """Area under the precision-recall curve: mean precision at each right sample, best first.

    From 0 to 1, larger is better. By chance it is the share of right samples, so compare it with
    that, and only between rewards of the same samples.

    Example:
        Right samples are first and third: the mean of 1 / 1 and 2 / 3.

        >>> samples = reward_samples([0.9, 0.8, 0.3, 0.1], [1, 0, 1, 0], ["a", "a", "b", "b"])
        >>> round(average_precision(samples).value, 4)
        0.8333

    Source:
        Scikit-learn's ``average_precision_score`` (no interpolation), against which it is checked.
    """

    def area(right: Floats, wrong: Floats) -> float:
        hits = np.cumsum(right[::-1])
        taken = np.cumsum((right + wrong)[::-1])
        if not hits[-1:].any():
            return math.nan
        return float(right[::-1] @ (hits / np.maximum(taken, 1)) / hits[-1])

    return replace(_jackknife_over_levels(samples, area), p=math.nan)


def brier(samples: RewardSamples) -> Share:
    """Mean squared difference between the reward, as a probability of being right, and the truth.

    From 0 to 1, smaller is better: 0.25 for always saying one half. Rewards must lie in [0, 1].

    Example:
        The mean of 0.2 and 0.4, squared.

        >>> round(brier(reward_samples([0.8, 0.4], [1, 0], ["a", "b"])).value, 4)
        0.1

    Source:
        Brier (1950), for two classes; scikit-learn's ``brier_score_loss``.
    """
    return _mean_size(samples, [(samples.rewards - samples.right) ** 2])


def calibration_error(samples: RewardSamples) -> Share:
    """Expected calibration error: how far probabilities are from shares of right samples.

    From 0 to 1, smaller is better. The mean over samples of |mean reward - share right| of their
    bin, of ten of equal width. Never below 0, so with few samples it is not 0 even for a
    calibrated reward. Rewards must lie in [0, 1].

    Example:
        Half of the samples say 0.85 where one half is right, the others 0.25 where none is: half of
        0.35 and half of 0.25.

        >>> samples = reward_samples([0.85, 0.85, 0.25, 0.25], [1, 0, 0, 0], ["a", "a", "b", "b"])
        >>> round(calibration_error(samples).value, 4)
        0.3

    Source:
        Naeini et al. (2015), AAAI; Guo et al. (2017), arXiv:1706.04599, equation 3.
    """
    bins, gap = bin_numbers(samples.rewards), samples.rewards - samples.right
    return _mean_size(samples, [np.where(bins == number, gap, 0.0) for number in range(BINS)])


def bin_numbers(rewards: Floats) -> Ints:
    """Number, from 0, of the bin of equal width that each probability lies in.

    Example:
        >>> bin_numbers(np.array([0.0, 0.05, 0.1, 1.0])).tolist()
        [0, 0, 1, 9]
    """
    return np.clip(np.floor(rewards * BINS), 0, BINS - 1).astype(np.int64)


def ranking_accuracy(rewards: ArrayLike, correct: ArrayLike) -> float:
    """Chance that a right sample of one pool outranks a wrong one of it, ties counting half.

    From 0 to 1; 0.5 is no better than chance, NaN where none is right or none is wrong. All that
    matters to best-of-N, which compares samples of one problem only. Takes (N,) rewards of a pool,
    larger is better, and (N,) 1 or ``True`` where a sample is correct; NaN is left out.

    Example:
        The right sample outranks one of two wrong ones.

        >>> ranking_accuracy([3.0, 2.0, 1.0], [0, 1, 0])
        0.5
    """
    values, right = np.asarray(rewards, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    good, bad = values[right == 1], np.sort(values[right == 0])
    good, bad = good[~np.isnan(good)], bad[~np.isnan(bad)]
    if not len(good) or not len(bad):
        return math.nan
    beaten = np.searchsorted(bad, good, "left") + np.searchsorted(bad, good, "right")
    return float(beaten.mean() / (2 * len(bad)))


def _jackknife_over_levels(
    samples: RewardSamples, statistic: Callable[[Floats, Floats], float]
) -> Share:
    """A statistic of (right, wrong) samples per level, leaving out one part of the problems."""
    if not len(samples):
        return UNDEFINED
    new = np.diff(samples.rewards, prepend=-np.inf) > 0
    levels = np.cumsum(new) - new[0]

    def per_level(rows: Ints | slice) -> Floats:
        kinds = samples.right[rows], 1.0 - samples.right[rows]
        return np.stack([np.bincount(levels[rows], kind, levels[-1] + 1) for kind in kinds])

    whole = per_level(slice(None))
    parts = (np.flatnonzero(samples.groups == n) for n in range(int(samples.groups.max()) + 1))
    without = [statistic(*(whole - per_level(rows))) for rows in parts]
    return _interval(statistic(*whole), np.array(without))


def _mean_size(samples: RewardSamples, columns: list[Floats]) -> Share:
    """How far columns add up from 0, all together, a sample; no p-value."""
    if not len(samples):
        return UNDEFINED
    table = np.stack([np.ones(len(samples)), *columns], axis=1)
    sums, _ = sum_values(table, samples.groups)
    whole = sums.sum(axis=0)
    without = whole - sums
    sizes = np.abs(without[:, 1:]).sum(axis=1) / np.maximum(without[:, 0], 1)
    return replace(_interval(float(np.abs(whole[1:]).sum() / whole[0]), sizes), p=math.nan)


def _interval(value: float, without: Floats) -> Share:
    """Jackknife interval of a share on the scale of log odds, which is Fisher's z of 2x - 1."""
    found = fisher_interval(np.asarray(2 * value - 1), 2 * without - 1)
    return Share(value, (float(found.low) + 1) / 2, (float(found.high) + 1) / 2, float(found.p))
