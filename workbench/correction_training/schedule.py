"""The learning rate of each update."""

from __future__ import annotations


def learning_rate(step: int, steps: int, warmup: int, highest: float) -> float:
    """Return the learning rate of update ``step``, from 0: a linear rise, then a linear fall to 0.

    Args:
        step: the update within its stage, from 0.
        steps: updates of the stage.
        warmup: updates of the rise, fewer than ``steps``.
        highest: reached with update ``warmup - 1``, or at once without a rise.

    Example:
        >>> [round(learning_rate(step, 6, 2, 1.0), 2) for step in range(6)]
        [0.5, 1.0, 1.0, 0.75, 0.5, 0.25]
    """
    if step < warmup:
        return highest * (step + 1) / warmup
    return highest * (steps - step) / (steps - warmup)
