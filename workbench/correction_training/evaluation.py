"""How a policy does on the problems held out: before, while and after it is trained."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from workbench.core.thinking import Markers
from workbench.core.types import Floats
from workbench.correction_training.policy import Policy
from workbench.correction_training.problems import AskedProblem, Parts
from workbench.correction_training.rewards import Rewarder
from workbench.correction_training.rollouts import draw_attempts


def evaluate(
    policy: Policy,
    parts: Parts,
    rewarder: Rewarder,
    samples: int,
    thinking: tuple[Markers, ...],
    seed: int,
    at_once: int,
) -> dict[str, float]:
    """Draw pairs of answers to each problem held out, and return what became of them.

    The same random numbers are used each time, so that two evaluations differ as little by chance
    as they can. Names and meanings are those of ``transitions``.
    """
    problems: list[AskedProblem] = [*parts.held_out]
    drawn = draw_attempts(policy, problems, samples, thinking, f"{seed}|held out", at_once)
    first = rewarder.rewards(drawn.problems, drawn.first.samples)
    second = rewarder.rewards(drawn.problems, drawn.second.samples)
    return {f"held_out_{name}": value for name, value in transitions(first, second).items()}


def transitions(first: Floats, second: Floats) -> Mapping[str, float]:
    """Return mean rewards of both attempts, their difference and what it is made of.

    Pairs of which one reward is unknown are left out. ``gained`` is the mean rise where a second
    answer is better, as a share of all pairs; with rewards of 0 and 1 it is the share that became
    right, and ``lost`` the share that became wrong. ``delta = gained - lost``.

    Args:
        first: rewards of the first answers, NaN where unknown.
        second: of the second ones, in the same order.

    Example:
        >>> transitions(np.array([0.0, 0, 1, 1]), np.array([1.0, 1, 0, 1]))
        {'t1': 0.5, 't2': 0.75, 'delta': 0.25, 'gained': 0.5, 'lost': 0.25}
    """
    known = ~(np.isnan(first) | np.isnan(second))
    if not known.any():
        return dict.fromkeys(("t1", "t2", "delta", "gained", "lost"), float("nan"))
    one, two = first[known], second[known]
    change = two - one
    return {
        "t1": float(one.mean()),
        "t2": float(two.mean()),
        "delta": float(change.mean()),
        "gained": float(change.clip(min=0).mean()),
        "lost": float(-change.clip(max=0).mean()),
    }
