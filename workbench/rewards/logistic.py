"""A quality of samples learned from features by logistic regression, fitted across problems."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from workbench.core.types import Floats, Ints

FOLDS = 5
"""Number of folds; the quality of a fold's problems is learned from the other folds."""

PENALTY = 1.0
"""Scikit-learn's C. Perfectly correlated features (an entropy and 1 - that entropy) share a
weight."""

STEPS = 1000
"""The most iterations of a fit."""

Features = Callable[[NDArray[np.bool_]], Floats]
"""(P,) which problems may be learned from -> (R, F) features of all rows, from these only."""


@dataclass(frozen=True, eq=False)
class CrossFitted:
    """The quality of every row, learned without the row's own problem."""

    quality: Floats
    """(R,) probability of being right, 0 to 1; NaN where a feature is missing."""
    features: Floats
    """(R, F) the features with which each row's quality was predicted."""
    used: NDArray[np.bool_]
    """(F,) whether any row has the feature; features that no row has are left out."""


def folds_of(problems: int, rng: np.random.Generator) -> Ints:
    """Split problems into folds of equal size, at random.

    Returns:
        (P,) number of each problem's fold, from 0.

    Raises:
        ValueError: there are fewer problems than folds.

    >>> np.bincount(folds_of(12, np.random.default_rng(0)))
    array([3, 3, 2, 2, 2])
    """
    if problems < FOLDS:
        raise ValueError(
            f"a quality is learned across problems, and needs {FOLDS} or more, got {problems}; "
            "leave 'quality' out of scoring.rewards"
        )
    return rng.permutation(np.arange(problems) % FOLDS)


def cross_fit(
    features: Features, correct: ArrayLike, problems: Ints, rng: np.random.Generator
) -> CrossFitted:
    """Predict the probability that each row is right, by a regression fitted to other problems.

    The problems are split into five folds. For each fold, features are computed from the other
    folds only (those of neighbours must not depend on the correctness of the fold itself),
    standardised by their means and deviations, and a logistic regression is fitted to them.

    Args:
        features: computes the features of all rows from the problems that may be learned from.
        correct: (R,) 1 right, 0 wrong; NaN unknown, which is predicted but not learned from.
        problems: (R,) number of each row's problem, from 0.
        rng: the only source of randomness.

    Returns:
        The qualities; NaN for a row without a feature that other rows have.

    Raises:
        ValueError: too few problems, no feature that varies, or only right or only wrong rows to
            learn from.

    Source:
        Cross-fitting: Chernozhukov et al. (2018), doi:10.1111/ectj.12097. The regression is
        scikit-learn's.
    """
    right = np.asarray(correct, dtype=np.float64)
    count = int(problems.max(initial=-1)) + 1
    folds = folds_of(count, rng)
    quality = np.full(len(right), np.nan)
    kept = None
    for fold in range(FOLDS):
        learned_from = folds != fold
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
    assert kept is not None  # there are five folds
    return CrossFitted(quality, kept, np.isfinite(kept).any(axis=0))


def coefficients(features: Floats, correct: ArrayLike) -> Floats:
    """Weights of a logistic regression of correctness on standardised features.

    They are log odds per standard deviation of the feature. Above 0, samples with more of it are
    right more often, the other features being equal.

    Args:
        features: (R, F) without missing values.
        correct: (R,) 1 right, 0 wrong.

    Returns:
        (F,) weights.

    Raises:
        ValueError: only right or only wrong rows, or no feature that varies.

    >>> coefficients(np.array([[0.0], [1.0], [2.0], [3.0]]), [0, 0, 1, 1]).round(2)
    array([0.94])
    """
    return _regression(features, np.asarray(correct, dtype=np.float64))[0]


def _fitted(features: Floats, right: Floats) -> Callable[[Floats], Floats]:
    weights, intercept, mean, scale = _regression(features, right)

    def predict(table: Floats) -> Floats:
        logits = (table - mean) / scale @ weights + intercept
        return np.asarray(1.0 / (1.0 + np.exp(-logits)))

    return predict


def _regression(features: Floats, right: Floats) -> tuple[Floats, float, Floats, Floats]:
    """Fit; return weights, intercept, and the features' means and standard deviations."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    if len(np.unique(right)) < 2:
        which = "no" if not len(right) else "only right" if right[0] else "only wrong"
        raise ValueError(
            f"a quality cannot be learned from {which} samples: there is nothing to tell apart; "
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
