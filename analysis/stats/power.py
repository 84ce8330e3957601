"""How small a difference so many problems can show, and how many problems a difference needs."""

from __future__ import annotations

import math
from functools import cache

from analysis.stats.bootstrap import MIN_PROBLEMS
from workbench.core.table_text import ALPHA

POWER = 0.8
"""What a study is said to be able to see: a two-sided test at ``ALPHA`` sees it so often."""
SAME = 1e-12
"""Differences below this are rounding."""


@cache
def smallest_effect(problems: int) -> float:
    """Mean difference ÷ standard deviation that so many problems show with 80 % power at 5 %.

    Source:
        The power of a two-sided paired t-test, by the noncentral t distribution (statsmodels);
        the sign-flip test has nearly the same.
    """
    from statsmodels.stats.power import TTestPower

    return float(TTestPower().solve_power(nobs=problems, alpha=ALPHA, power=POWER))


def problems_needed(difference: float, sd: float) -> float:
    """Return how many problems show a difference of this size with 80 % power at 5 %.

    An observed difference that is taken for the true one is optimistic where it was singled out
    for being large.

    Args:
        difference: the true mean difference.
        sd: standard deviation of the differences over problems.

    Returns:
        A whole number, at least 10, below which nothing is tested; infinity for a difference of
        0; NaN where the deviation is unknown.

    Example:
        An effect of half a standard deviation, as in the tables of the paired t-test.

        >>> problems_needed(difference=0.5, sd=1.0)
        34.0
    """
    if math.isnan(difference) or math.isnan(sd):
        return math.nan
    if abs(difference) <= SAME:
        return math.inf
    if sd <= SAME or abs(difference) / sd >= smallest_effect(MIN_PROBLEMS):
        return float(MIN_PROBLEMS)
    from statsmodels.stats.power import TTestPower

    effect = abs(difference) / sd
    return float(math.ceil(TTestPower().solve_power(effect_size=effect, alpha=ALPHA, power=POWER)))


def smallest_difference(problems: int, disagreement: float) -> float:
    """Difference in accuracy that a planned comparison of two right-or-wrong answers can see.

    Args:
        problems: how many problems, each answered once by both.
        disagreement: share of the problems on which one is right and the other wrong, 0 to 1.

    Returns:
        The smallest difference seen with 80 % power at 5 %; NaN where not even a disagreement
        that is all to one side would be.

    Raises:
        ValueError: ``disagreement`` is not a share above 0.

    Source:
        The differences are -1, 0 and 1 with mean d and variance ``disagreement`` - d², so
        d = e sqrt(disagreement - d²), e being ``smallest_effect``, solved for d.
    """
    if not 0 < disagreement <= 1:
        raise ValueError(f"disagreement must be a share above 0 and up to 1, got {disagreement}")
    if problems < MIN_PROBLEMS:
        return math.nan
    effect = smallest_effect(problems)
    found = effect * math.sqrt(disagreement / (1 + effect**2))
    return found if found < disagreement else math.nan
