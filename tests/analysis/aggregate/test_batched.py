"""Every pick of many subsets at once is that of the plain rule on each."""

import numpy as np
import pytest

from tests.analysis.aggregate.vote_rules import best_answers, borda, filtered_majority
from workbench.analysis.aggregate import best_of_n, majority, mbr, weighted_majority
from workbench.analysis.aggregate.batched import (
    best_picks,
    borda_picks,
    filtered_picks,
    majority_picks,
    mbr_picks,
    ranked_answers,
    weighted_picks,
)
from workbench.core.types import NOBODY

NAN, INF = np.nan, np.inf


def one_by_one(rule, subsets):
    picks = [rule(row, members) for row, members in enumerate(subsets)]
    return [NOBODY if pick is None else pick for pick in picks]


def pools(count=60):
    """Random pools: (N samples, subsets of every kind, a generator)."""
    rng = np.random.default_rng(11)
    for _ in range(count):
        size = int(rng.integers(1, 12))
        for k in {1, size, int(rng.integers(1, size + 1))}:
            yield size, np.argsort(rng.random((8, size)), axis=1)[:, :k], rng


def votes(size, rng):
    """Clusters of every kind: many ties, all equal, none answered, numbers with gaps."""
    kind = rng.integers(4)
    if kind == 0:
        return np.full(size, rng.integers(-1, 2))
    answers = rng.integers(-1, 2 + 3 * kind, size)
    return np.where((answers >= 0) & (kind == 3), 100 * answers, answers)


def test_majorities():
    seen = set()
    for size, subsets, rng in pools():
        clusters = votes(size, rng)
        expected = one_by_one(lambda _, m, c=clusters: majority(c[m]), subsets)
        assert majority_picks(clusters, subsets).tolist() == expected
        seen |= set(expected)
    assert {NOBODY, 0, 1, 2} <= seen


@pytest.mark.parametrize(
    "values",
    [
        (0.1, 0.2, 0.3, 0.6, NAN),  # 0.1 + 0.2 is not 0.3 in floating point, nor as exact sums
        (0.0, 1.0),
        (0.0,),
        (INF, 1.0, NAN),
        (1e300, 1e-300, 1.0),
        (0.5, 0.25, 0.125, NAN),
    ],
)
def test_weighted_majorities_tie_as_exact_sums_do(values):
    close = 0
    for size, subsets, rng in pools():
        clusters = votes(size, rng)
        weights = rng.choice(values, size)[subsets]
        expected = one_by_one(
            lambda row, m, c=clusters, w=weights: weighted_majority(c[m], w[row]), subsets
        )
        assert weighted_picks(clusters, weights, subsets).tolist() == expected
        sizes = [{c: (answers == c).sum() for c in answers} for answers in clusters[subsets]]
        close += sum(len(own) > len(set(own.values())) for own in sizes)
    assert close  # clusters of equal size, whose sums may tie


def test_weights_of_their_own_for_each_subset():
    for size, subsets, rng in pools():
        clusters, weights = votes(size, rng), rng.random(subsets.shape)
        expected = one_by_one(
            lambda row, m, c=clusters, w=weights: weighted_majority(c[m], w[row]), subsets
        )
        assert weighted_picks(clusters, weights, subsets).tolist() == expected


def test_equal_sets_of_weights_tie_whatever_their_order():
    # 0.1 + 0.2 + 0.3 != 0.3 + 0.2 + 0.1, so plain sums would let the order decide
    clusters, weights = np.repeat([0, 1], 3), np.array([0.1, 0.2, 0.3, 0.3, 0.2, 0.1])
    subsets = np.array([np.random.default_rng(i).permutation(6) for i in range(40)])
    picks = weighted_picks(clusters, weights[subsets], subsets)
    assert picks.tolist() == [0] * 40


def test_a_negative_weight_is_refused_wherever_it_is():
    clusters, subsets = np.array([0, 1, -1]), np.array([[0, 1], [0, 2]])
    with pytest.raises(ValueError, match=r"at least 0, got -0\.5 at index 1; take exp"):
        weighted_picks(clusters, np.array([[1.0, 1.0], [0.5, -0.5]]), subsets)


@pytest.mark.parametrize(
    "values", [(1.0, 2.0, 3.0), (1.0, NAN), (-INF, NAN, -1.0), (NAN,), (-INF, INF, 0.0, NAN)]
)
def test_best_rewards(values):
    for size, subsets, rng in pools():
        rewards = rng.choice(values, size)
        expected = one_by_one(lambda _, m, r=rewards: best_of_n(r[m]), subsets)
        assert best_picks(rewards, subsets).tolist() == expected


@pytest.mark.parametrize(
    "values", [(0.1, 0.2, 0.7, NAN), (0.5,), (NAN,), (0.0, 1.0), tuple(np.linspace(0, 1, 30))]
)
@pytest.mark.parametrize("share", [0.01, 0.25, 0.5, 1.0])
def test_filtered_votes(values, share):
    for size, subsets, rng in pools():
        clusters, rewards = votes(size, rng), rng.choice(values, size)
        weights = np.abs(rewards[subsets] - 0.3)
        expected = one_by_one(
            lambda row, m, c=clusters, r=rewards, w=weights: filtered_majority(
                c[m], r[m], w[row], share
            ),
            subsets,
        )
        found = filtered_picks(clusters, rewards, weights, subsets, share)
        assert found.tolist() == expected


@pytest.mark.parametrize("values", [(-1.0, 2.0, NAN), (0.5,), (NAN,), (-INF, INF, 0.0, 1.0)])
@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 40.0])
def test_ranked_votes(values, power):
    for size, subsets, rng in pools():
        clusters, rewards = votes(size, rng), rng.choice(values, size)
        expected = one_by_one(lambda _, m, c=clusters, r=rewards: borda(c[m], r[m], power), subsets)
        assert borda_picks(clusters, rewards, subsets, power).tolist() == expected


@pytest.mark.parametrize(
    "values", [(0.1, 0.2, 0.3, 0.6, NAN), (0.5,), (NAN,), (-INF, -1.0, NAN), (0.0, 1.0)]
)
@pytest.mark.parametrize("threshold", [0.0, 0.15, 0.4, 1.0])
def test_several_answers(values, threshold):
    seen = set()
    for size, subsets, rng in pools():
        clusters, rewards = votes(size, rng), rng.choice(values, size)
        found = ranked_answers(clusters, rewards, subsets, threshold, 3)
        for row, members in zip(found, subsets, strict=True):
            plain = best_answers(clusters[members], rewards[members], threshold, 3)
            assert row.tolist() == plain + [NOBODY] * (3 - len(plain))
            seen.add(len(plain))
    assert seen >= ({0} if np.isnan(values).all() else {0, 1, 2})


@pytest.mark.parametrize("decimals", [0, 1, 16])  # 0: nearly all tie
def test_minimum_bayes_risk(decimals):
    for size, subsets, rng in pools():
        utility = np.round(rng.random((size, size)), decimals)
        utility += 1e-15 * rng.standard_normal((size, size))  # a tie all the same
        np.fill_diagonal(utility, NAN)  # is not read
        expected = one_by_one(lambda _, m, u=utility: mbr(u[np.ix_(m, m)]), subsets)
        assert mbr_picks(utility, subsets).tolist() == expected


def test_a_missing_utility_matters_only_where_it_is_read():
    utility = np.ones((3, 3))
    utility[1, 2] = NAN
    assert mbr_picks(utility, np.array([[0, 1], [2, 0]])).tolist() == [0, 0]
    with pytest.raises(ValueError, match="utility of sample 1 against another of its subset"):
        mbr_picks(utility, np.array([[0, 1], [2, 1]]))


def test_rows_of_the_utility_are_hypotheses():
    utility = np.array([[1.0, 0.9, 0.9], [0.1, 1.0, 0.1], [0.2, 0.2, 1.0]])
    everything = np.array([[0, 1, 2]])
    assert mbr_picks(utility, everything).tolist() == [0]
    assert mbr_picks(utility.T, everything).tolist() == [1]


def test_arguments_are_left_alone():
    rewards, utility = np.array([NAN, 1.0]), np.eye(2)
    best_picks(rewards, np.array([[0, 1]]))
    mbr_picks(utility, np.array([[0, 1]]))
    np.testing.assert_array_equal(rewards, [NAN, 1.0])
    np.testing.assert_array_equal(utility, np.eye(2))
