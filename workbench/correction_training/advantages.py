"""From the rewards of two attempts to the advantages of each: formulas over arrays.

P problems of a batch, N pairs of answers to each. A reward is NaN where it is not known whether the
answer is right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.core.types import Floats


@dataclass(frozen=True)
class TurnAdvantages:
    """What each answer's log-probability is weighted with; 0 for one that has no say."""

    first: Floats
    """(P, N)"""
    second: Floats
    """(P, N)"""

    @property
    def nothing_to_learn(self) -> bool:
        """Whether all of them are 0."""
        return not (self.first.any() or self.second.any())


def shaped_rewards(first: Floats, second: Floats, alpha: float) -> Floats:
    """Return the rewards of second attempts with the bonus for getting better.

    ``second + alpha * (second - first)``: with rewards of 0 and 1 a wrong answer that becomes
    right earns ``1 + alpha``, a right one that becomes wrong loses ``alpha``, and one that stays as
    it was earns its own reward.

    Source:
        Kumar et al. (2024), arXiv:2409.12917, section 5.2.

    Example:
        >>> first, second = np.array([0.0, 1, 1, 0]), np.array([1.0, 0, 1, 0])
        >>> shaped_rewards(first, second, alpha=10).tolist()
        [11.0, -10.0, 1.0, 0.0]
    """
    return second + alpha * (second - first)


def leave_one_out(rewards: Floats) -> Floats:
    """Return each reward less the mean of the others of its problem.

    The mean of the others does not depend on the answer itself, so the gradient stays unbiased. An
    answer of unknown reward is no one's baseline and has the advantage 0, and so has an answer
    without another one of known reward.

    Args:
        rewards: (P, N), NaN where unknown.

    Returns:
        (P, N) advantages, in the unit of the rewards; those of a problem add up to 0.

    Source:
        REINFORCE with a leave-one-out baseline (RLOO): Kool et al. (2019); Ahmadian et al. (2024),
        arXiv:2402.14740.

    Example:
        >>> leave_one_out(np.array([[1.0, 0.0, 0.0], [1.0, np.nan, 0.0]])).tolist()
        [[1.0, -0.5, -0.5], [1.0, 0.0, -1.0]]
    """
    known = ~np.isnan(rewards)
    others = known.sum(axis=1, keepdims=True) - 1
    total = np.where(known, rewards, 0.0).sum(axis=1, keepdims=True)
    baseline = (total - rewards) / np.maximum(others, 1)
    return np.where(known & (others > 0), rewards - baseline, 0.0)


def turn_advantages(first: Floats, second: Floats, *, stage: int, alpha: float) -> TurnAdvantages:
    """Return the advantages of both attempts.

    The tokens of the first attempt receive the first attempt's reward only, in either stage: its
    advantages do not depend on ``second`` or ``alpha``. In Stage I they are 0, so that nothing but
    the KL divergence moves the first attempt.

    Args:
        first: (P, N) rewards of the first attempts.
        second: (P, N) rewards of the second attempts.
        stage: 1 or 2.
        alpha: weight of the bonus in Stage II.
    """
    if stage == 1:
        return TurnAdvantages(np.zeros_like(first), leave_one_out(second))
    shaped = shaped_rewards(first, second, alpha)
    return TurnAdvantages(leave_one_out(first), leave_one_out(shaped))
