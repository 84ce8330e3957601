"""What a paired comparison can see: the power of a test on a number of problems.

Of scipy only its special functions are imported here, because ``workbench validate`` says what a
planned study will be able to see, and a person waits for it.
"""

from __future__ import annotations

import math
from functools import cache

from scipy.special import nctdtr, nctdtrinc, stdtrit

from workbench.core.table_text import ALPHA

MIN_PROBLEMS = 10
"""Below this many problems no interval is given: it would not cover what it claims to."""
POWER = 0.8
"""What a study is said to be able to see: a two-sided test at ``ALPHA`` sees it so often."""
SAME = 1e-12
"""Differences below this are rounding."""


@cache
def smallest_effect(problems: int) -> float:
    """Mean difference ÷ standard deviation that so many problems show with 80 % power at 5 %.

    Source:
        The power of a two-sided paired t-test, by the noncentral t distribution. ``TTestPower`` of
        statsmodels, which takes a second to import, gives it 80 % power to 7 digits. The sign-flip
        test has nearly the same power.

    Example:
        >>> round(smallest_effect(100), 4)
        0.2829
    """
    freedom = problems - 1
    critical = stdtrit(freedom, 1 - ALPHA / 2)
    wrong_side = nctdtr(freedom, nctdtrinc(freedom, 1 - POWER, critical), -critical)  # below 1e-6
    return float(nctdtrinc(freedom, 1 - POWER + wrong_side, critical)) / math.sqrt(problems)


def problems_needed(difference: float, sd: float) -> float:
    """Return how many problems show a difference of this size with 80 % power at 5 %.

    An observed difference that is taken for the true one is optimistic where it was singled out
    for being large. At least 10, below which nothing is tested; infinity for a difference of 0;
    NaN where ``sd``, the standard deviation of the differences over problems, is unknown.
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

    With 80 % power at 5 %, each problem answered once by both; NaN where not even a disagreement
    that is all to one side would be seen.

    Raises:
        ValueError: ``disagreement``, the share of the problems on which one is right and the other
            wrong, is not a share above 0.

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


def planned(problems: int) -> str:
    """Say what a planned comparison of two selections, temperatures or runs will be able to see."""
    if problems < MIN_PROBLEMS:
        return f"can see        no difference: below {MIN_PROBLEMS} problems nothing is tested"
    seen = {share: smallest_difference(problems, share) for share in (0.1, 0.2, 0.4)}
    sizes = [
        f"{share:.0%}: {'no difference' if math.isnan(size) else f'{size:.3f} in accuracy'}"
        for share, size in seen.items()
    ]
    return (
        f"can see        with {POWER:.0%} power at {ALPHA:.0%}, between two choices that disagree "
        f"on this share\n               of the problems: {', '.join(sizes)}"
    )
