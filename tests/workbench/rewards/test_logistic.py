import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from workbench.rewards.logistic import FOLDS, coefficients, cross_fit, folds_of


def study(problems=60, samples=10, seed=0):
    """Features: one that tells, one of the problem alone, one of noise; and who is right."""
    rng = np.random.default_rng(seed)
    numbers = np.repeat(np.arange(problems), samples)
    signal, noise = rng.normal(size=(2, len(numbers)))
    own = rng.normal(size=problems)[numbers]
    right = (rng.random(len(numbers)) < 1 / (1 + np.exp(-2 * signal))).astype(float)
    return np.stack([signal, own, noise], axis=1), right, numbers


def fit(table, right, problems, seed=0):
    return cross_fit(lambda _: table, right, problems, np.random.default_rng(seed))


def test_what_tells_is_found():
    table, right, problems = study()
    found = fit(table, right, problems)
    assert roc_auc_score(right, found.quality) > 0.8
    assert ((found.quality > 0) & (found.quality < 1)).all()
    weights = coefficients(table, right)
    assert weights[0] > 1.5
    assert np.abs(weights[1:]).max() < 0.3


def test_the_weights_are_those_that_made_the_data():
    rng = np.random.default_rng(1)
    table = rng.normal(size=(200_000, 2)) * [3.0, 0.1] + [5.0, -2.0]
    logits = 0.5 * (table[:, 0] - 5) / 3 - 1.0 * (table[:, 1] + 2) / 0.1
    right = rng.random(200_000) < 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(coefficients(table, right), [0.5, -1.0], atol=0.02)


def test_shuffled_labels_teach_nothing():
    table, right, problems = study(problems=200)
    areas = []
    for seed in range(10):
        shuffled = np.random.default_rng(seed).permutation(right)
        areas.append(roc_auc_score(shuffled, fit(table, shuffled, problems, seed).quality))
    assert abs(np.mean(areas) - 0.5) < 0.02


def test_no_sample_is_judged_by_what_its_own_problem_taught():
    # Which problem a sample is of says all there is to know, and nothing about other problems.
    rng = np.random.default_rng(2)
    problems = np.repeat(np.arange(40), 10)
    right = rng.integers(2, size=40)[problems].astype(float)
    table = np.eye(40)[problems]
    assert roc_auc_score(right, fit(table, right, problems).quality) < 0.6
    everything = coefficients(table, right)
    assert roc_auc_score(right, table @ everything) > 0.999  # had it been allowed to see it


def test_features_are_made_from_the_other_parts_alone():
    table, right, problems = study()
    seen = []

    def features(learned_from):
        seen.append(learned_from)
        means = np.array([right[problems == p].mean() for p in range(60)])
        means[~learned_from] = np.nan  # who looks at them has no quality
        return np.column_stack([table[:, 0], np.full(len(right), np.nanmean(means))])

    found = cross_fit(features, right, problems, np.random.default_rng(0))
    assert np.isfinite(found.quality).all()
    assert len(seen) == FOLDS
    assert (sum(~mask for mask in seen) == 1).all()  # each problem is left out once
    for mask in seen:
        rows = ~mask[problems]
        assert len(np.unique(found.features[rows, 1])) == 1


def test_a_missing_feature_is_no_quality_and_one_that_nobody_has_is_left_out():
    table, right, problems = study()
    table[3, 0] = np.nan
    table[:, 2] = np.nan
    right[7] = np.nan
    found = fit(table, right, problems)
    assert np.flatnonzero(np.isnan(found.quality)).tolist() == [3]
    assert found.used.tolist() == [True, True, False]


def test_the_same_seed_gives_the_same_qualities():
    first, again, other = (fit(*study(), seed=s).quality for s in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_what_cannot_be_learned_is_said():
    table, right, problems = study(problems=10)
    with pytest.raises(ValueError, match="only right samples"):
        fit(table, np.ones_like(right), problems)
    with pytest.raises(ValueError, match="only wrong samples"):
        fit(table, np.zeros_like(right), problems)
    with pytest.raises(ValueError, match="5 or more, got 4"):
        folds_of(4, np.random.default_rng(0))
    with pytest.raises(ValueError, match="needs a feature"):
        fit(np.full_like(table, np.nan)[:, :0], right, problems)
