"""REWARD_SCALES: rewards of other tools as weights in [0, 1]."""

import math
from collections.abc import Callable

from workbench.interchange.sample_row import ROUNDING


def from_probability(reward: float) -> float:
    """Return a probability as it is; ValueError if it is not in [0, 1]."""
    if not 0 <= reward <= 1:
        raise ValueError(
            f"reward: {reward:g} is not a probability in [0, 1]; give --reward-scale logit (its "
            "sigmoid is kept) or log (a log-probability: its exponential), or divide marks by the "
            "best one"
        )
    return reward


def from_logit(reward: float) -> float:
    """Return the sigmoid of a reward, without overflow.

    Example:
        >>> from_logit(0.0), from_logit(-1000.0), from_logit(1000.0)
        (0.5, 0.0, 1.0)
    """
    small = math.exp(-abs(reward))
    return 1 / (1 + small) if reward >= 0 else small / (1 + small)


def from_log_probability(reward: float) -> float:
    """Return the exponential of a log-probability in nats; 1 where rounding put it above 0.

    Raises:
        ValueError: it is above 0 by more than that.
    """
    if reward > ROUNDING:
        raise ValueError(
            f"reward: {reward:g} is not a log-probability, which is at most 0; give "
            "--reward-scale logit or probability"
        )
    return min(1.0, math.exp(reward))


REWARD_SCALES: dict[str, Callable[[float], float]] = {
    "probability": from_probability,
    "logit": from_logit,
    "log": from_log_probability,
}
"""The scale of a file's rewards -> the function to a weight that is larger for a larger reward."""
