"""What a paired comparison can see: the power of a test on a number of problems.

No pandas and no scipy is imported here, because ``workbench validate`` says what a planned study
will be able to see, and a person waits for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np

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

    Args:
        problems: how many, at least ``MIN_PROBLEMS``.

    Source:
        The power of a two-sided paired t-test, by the noncentral t distribution: a normal
        variable over a standard deviation that is itself estimated, so the normal tail is
        averaged over that estimate. ``TTestPower`` of statsmodels, which takes a second to
        import, gives it 80 % power to 10 digits. The sign-flip test has nearly the same power.

    Examples:
        >>> round(smallest_effect(100), 4)
        0.2829
    """
    freedom = problems - 1
    width = 12 / math.sqrt(2 * freedom)  # twelve standard deviations of the estimate, both ways
    scales = np.linspace(max(1 - width, 0), 1 + width, 402)[1:]
    log_density = (freedom - 1) * np.log(scales) - freedom * scales**2 / 2
    weights = np.exp(log_density - log_density.max())
    weights /= weights.sum()

    def above(threshold: float, shift: float) -> float:
        tails = [math.erfc((threshold * s - shift) / math.sqrt(2)) / 2 for s in scales.tolist()]
        return float(weights @ tails)

    critical = _where_rising(lambda t: -2 * above(t, 0.0), -ALPHA)

    def power(effect: float) -> float:
        shift = effect * math.sqrt(problems)
        return above(critical, shift) + above(critical, -shift)

    return _where_rising(power, POWER)


def _where_rising(function: Callable[[float], float], target: float) -> float:
    """Return where between 0 and 16 a rising function reaches a value, by bisection."""
    low, high = 0.0, 16.0
    for _ in range(56):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) < target else (low, middle)
    return high


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
