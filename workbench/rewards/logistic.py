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
        rng: by which the problems are split.

    Raises:
        ValueError: too few problems, no feature that varies, or only right or only wrong rows to
            learn from.

    Source:
        Cross-fitting: Chernozhukov et al. (2018), doi:10.1111/ectj.12097. The regression is
        scikit-learn's.
    """
    right = np.asarray(correct, dtype=np.float64)
    folds = folds_of(int(problems.max(initial=-1)) + 1, rng)
    quality = np.full(len(right), np.nan)
    tables = [features(folds != fold) for fold in range(FOLDS)]
    for fold, table in enumerate(tables):
        used = table[:, np.isfinite(table).any(axis=0)]
        whole, inside = np.isfinite(used).all(axis=1), folds[problems] != fold
        train, here = whole & inside & np.isfinite(right), whole & ~inside
        if here.any():
            weights, intercept, mean, scale = _regression(used[train], right[train])
            logits = (used[here] - mean) / scale @ weights + intercept
            quality[here] = 1.0 / (1.0 + np.exp(-logits))
    kept = np.stack(tables)[folds[problems], np.arange(len(right))]
    return CrossFitted(quality, kept, np.isfinite(kept).any(axis=0))


def coefficients(features: Floats, correct: ArrayLike) -> Floats:
    """Weights (F,) of a logistic regression of correctness (R,) on standardised features (R, F).

    They are log odds per standard deviation of the feature. Above 0, samples with more of it are
    right more often, the other features being equal. No feature may be missing.

    Raises:
        ValueError: only right or only wrong rows, or no feature that varies.

    >>> coefficients(np.array([[0.0], [1.0], [2.0], [3.0]]), [0, 0, 1, 1]).round(2)
    array([0.94])
    """
    return _regression(features, np.asarray(correct, dtype=np.float64))[0]


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
