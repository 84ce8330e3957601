"""How likely a subset's samples are, and how long."""

from __future__ import annotations

import numpy as np

from workbench.core.types import Floats, Ints


def mean_logprob(logprobs: Floats, subsets: Ints) -> Floats:
    """Mean over a subset of each sample's mean token log-probability, (N,), in nats per token.

    At most 0; larger means likelier. Every sample weighs the same, however long it is. Comparable
    between subset sizes; NaN where any member's is NaN. The study's ``avg_log_prob``. Of the part
    of a sample that ``measure.text`` names.

    Example:
        >>> mean_logprob(np.array([-0.5, -1.5, -3.0]), np.array([[0, 1], [1, 2]])).tolist()
        [-1.0, -2.25]
    """
    return np.asarray(logprobs[subsets].mean(axis=1, dtype=np.float64))


def mean_length(num_tokens: Ints, subsets: Ints) -> Floats:
    """Mean length of a subset's samples, in tokens.

    A covariate rather than a result: most other metrics depend on how long the texts are. Of the
    part of a sample that ``measure.text`` names; budgets count all tokens.

    Example:
        >>> mean_length(np.array([10, 30, 40]), np.array([[0, 1], [1, 2]])).tolist()
        [20.0, 35.0]
    """
    return np.asarray(num_tokens[subsets].mean(axis=1, dtype=np.float64))
