"""How uncertain a model is at a token, from the few likeliest tokens that an engine tells."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

Values = tuple[float, ...]


def entropy_bound(logprobs: Iterable[float]) -> tuple[float, float]:
    """Bound the entropy of a distribution of which only the likeliest tokens are known.

    Args:
        logprobs: natural log-probabilities of some of the tokens, each token once.

    Returns:
        The entropy with all other tokens taken for one, in nats: at most the true one, since
        merging outcomes never adds entropy, and at least 0. And the probability of those others,
        the missing mass m, in [0, 1]: with r of them the true entropy is at most m ln r higher.
    """
    known = [value for value in logprobs if value > -math.inf]
    probabilities = [math.exp(value) for value in known]
    missing = max(0.0, 1.0 - math.fsum(probabilities))  # rounding may bring the sum above 1
    terms = [-p * value for p, value in zip(probabilities, known, strict=True)]
    if missing:
        terms.append(-missing * math.log(missing))
    return max(0.0, math.fsum(terms)), missing


def entropy_bounds(steps: Iterable[Iterable[float]]) -> tuple[Values, Values]:
    """Return ``entropy_bound`` of every token of a sample: the entropies, the missing masses."""
    pairs = [entropy_bound(step) for step in steps]
    return as_stored(entropy for entropy, _ in pairs), as_stored(missing for _, missing in pairs)


def as_stored(values: Iterable[float]) -> Values:
    """Round to float32, as the tables hold them: what is journalled is what is read back."""
    return tuple(float(np.float32(value)) for value in values)
