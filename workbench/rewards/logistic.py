"""A quality of samples learned from features by logistic regression, fitted across problems."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.core.types import Floats, Ints

FOLDS = 5
"""Parts that the problems are dealt into: the quality of each is learned from the others."""
PENALTY = 1.0
"""Scikit-learn's C. Features that say the same (an entropy and 1 - that entropy) share a weight."""
STEPS = 1000
"""The most iterations of a fit."""

Features = Callable[[NDArray[np.bool_]], Floats]
"""(P,) which problems may be learned from -> (R, F) features of all rows, made from these alone."""


@dataclass(frozen=True, eq=False)
class Learned:
    """A quality for every row, learned without the row's own problem."""

    quality: Floats
    """(R,) probability of being right, 0 to 1; NaN where a feature is missing."""
    features: Floats
    """(R, F) as they were when the row's quality was predicted."""
    used: NDArray[np.bool_]
    """(F,) which features any row has; the others are left out."""


def folds_of(problems: int, rng: np.random.Generator) -> Ints:
    """Deal problems into parts of equal size, at random.

    Raises:
        ValueError: there are fewer problems than parts.
    """
    if problems < FOLDS:
        raise ValueError(
            f"a quality is learned across problems, and needs {FOLDS} or more, got {problems}; "
            "leave 'quality' out of scoring.rewards"
        )
    return rng.permutation(np.arange(problems) % FOLDS)


def cross_fit(
    features: Features, correct: ArrayLike, problems: Ints, rng: np.random.Generator
) -> Learned:
    """Predict how likely each row is right, from what was learned of other problems.

    The problems are dealt into five parts. For each, features are made from the other parts alone
    (those that look at neighbours must not see the correctness of the part itself), standardised by
    their means and deviations, and a logistic regression is fitted to them.

    Args:
        features: makes the features of all rows from the problems that may be learned from.
        correct: (R,) 1 right, 0 wrong, NaN unknown: predicted, but not learned from.
        problems: (R,) number of each row's problem, from 0.
        rng: the only source of randomness.

    Returns:
        The qualities; a row that lacks a feature which others have has none.

    Raises:
        ValueError: too few problems, no feature that varies, or only right or only wrong rows to
            learn from.

    Source:
        Cross-fitting: Chernozhukov et al. (2018), doi:10.1111/ectj.12097. The regression is
        scikit-learn's.
    """
    right = np.asarray(correct, dtype=np.float64)
    count = int(problems.max(initial=-1)) + 1
    parts = folds_of(count, rng)
    quality = np.full(len(right), np.nan)
    kept = None
    for part in range(FOLDS):
        learned_from = parts != part
        table = features(learned_from)
        kept = np.full(table.shape, np.nan) if kept is None else kept
        used = np.isfinite(table).any(axis=0)
        whole = np.isfinite(table[:, used]).all(axis=1)
        inside = learned_from[problems]
        train = whole & inside & np.isfinite(right)
        here = whole & ~inside
        kept[~inside] = table[~inside]
        if here.any():
            quality[here] = _fitted(table[train][:, used], right[train])(table[here][:, used])
    assert kept is not None  # there are five parts
    return Learned(quality, kept, np.isfinite(kept).any(axis=0))


def coefficients(features: Floats, correct: ArrayLike) -> Floats:
    """Weights of a logistic regression of correctness on standardised features.

    In log odds per standard deviation of the feature: above 0, more of it means right more often,
    the other features held fixed.

    Args:
        features: (R, F) without missing values.
        correct: (R,) 1 right, 0 wrong.

    Returns:
        (F,) weights.

    Raises:
        ValueError: only right or only wrong rows, or no feature that varies.
    """
    return _regression(features, np.asarray(correct, dtype=np.float64))[0]


def _fitted(features: Floats, right: Floats) -> Callable[[Floats], Floats]:
    weights, intercept, mean, scale = _regression(features, right)

    def predict(table: Floats) -> Floats:
        logits = (table - mean) / scale @ weights + intercept
        return np.asarray(1.0 / (1.0 + np.exp(-logits)))

    return predict


def _regression(features: Floats, right: Floats) -> tuple[Floats, float, Floats, Floats]:
    """Weights, intercept, and the means and deviations by which features are standardised."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    if len(np.unique(right)) < 2:
        said = "no" if not len(right) else "only right" if right[0] else "only wrong"
        raise ValueError(
            f"a quality cannot be learned from {said} samples: there is nothing to tell apart; "
            "take harder or easier problems, or leave 'quality' out of scoring.rewards"
        )
    if not len(features.T):
        raise ValueError(
            "a quality needs a feature: the run has neither entropies (generation.logprobs), nor "
            "scoring.models named secondary or evaluator, nor embeddings"
        )
    scaler = StandardScaler().fit(features)
    fit = LogisticRegression(C=PENALTY, max_iter=STEPS).fit(scaler.transform(features), right)
    return fit.coef_[0], float(fit.intercept_[0]), scaler.mean_, scaler.scale_
