from fractions import Fraction
from itertools import permutations
from math import comb

import numpy as np
import pytest

from analysis.aggregate import best_at_k, best_of_n, maj_at_k, majority

NAN = np.nan


def over_every_ordered_subset(pick, values, correct, k):
    """Mean outcome of a rule over all ordered subsets, as an exact fraction; no pick counts 0."""
    outcomes = []
    for drawn in permutations(range(len(values)), k):
        picked = pick([values[index] for index in drawn])
        outcomes.append(0 if picked is None else int(correct[drawn[picked]]))
    return Fraction(sum(outcomes), len(outcomes))


CLUSTERS = [
    ([0, 0, 1, 1, 2, -1], [1, 0, 1, 1, 0, 0]),  # two tied, mixed within a cluster
    ([0, 0, 0, 0, 0, 0], [1, 0, 0, 1, 0, 1]),  # one cluster: just its share
    ([0, 1, 2, 3, 4, 5], [0, 0, 0, 1, 1, 0]),  # all tie
    ([5, 5, 5, 2, 2, 2], [1, 1, 0, 0, 0, 1]),
    ([-1, -1, -1, -1, 3, 3], [1, 1, 1, 1, 1, 0]),  # mostly abstentions, however "correct"
    ([-1, -1, -1, -1, -1, -1], [1, 1, 1, 1, 1, 1]),  # nobody answers
    ([0, 0, 0, 1, 1, 2, -1], [0, 1, 1, 1, 0, 1, 0]),
    ([0, 0, 1, 1, 2, 2, 3], [1, 1, 0, 0, 1, 0, 0]),  # up to three tied at two votes
]


@pytest.mark.parametrize(("clusters", "correct"), CLUSTERS)
def test_maj_at_k_is_the_mean_over_every_ordered_subset(clusters, correct):
    for k in range(1, len(clusters) + 1):
        exact = over_every_ordered_subset(majority, clusters, correct, k)
        assert maj_at_k(clusters, correct, k) == pytest.approx(float(exact), abs=1e-13)


def test_maj_at_k_by_hand():
    # pairs of 0 0 1: {0,0} wins right; {0,1} twice, tied: right half of the time -> (1 + 2/2) / 3
    assert maj_at_k([0, 0, 1], [True, True, False], 2) == pytest.approx(2 / 3)
    # the two members of cluster 0 differ: half of what it wins, and what cluster 1 wins is wrong
    assert maj_at_k([0, 0, 1], [True, False, False], 2) == pytest.approx(1 / 3)


def test_k_of_one_is_the_share_of_correct_answers():
    clusters, correct = [0, 1, 1, 2, -1], [1, 0, 1, 0, 0]
    assert maj_at_k(clusters, correct, 1) == pytest.approx(2 / 5)
    assert best_at_k([3, 2, 1, 1, 0], correct, 1) == pytest.approx(2 / 5)


def reference_maj_at_k(counts, shares, unanswered, k):
    """The same sum in integers, cluster by cluster with the tied counted explicitly."""
    total = sum(counts) + unanswered
    result = Fraction(0)
    for winner, size in enumerate(counts):
        others = counts[:winner] + counts[winner + 1 :]
        for votes in range(1, min(size, k) + 1):
            ways = {(0, 0): 1}  # (samples used, clusters tied) -> subsets of the others
            for other in others:
                step = {}
                for (used, tied), number in ways.items():
                    for drawn in range(min(other, votes, k - votes - used) + 1):
                        key = used + drawn, tied + (drawn == votes)
                        step[key] = step.get(key, 0) + number * comb(other, drawn)
                ways = step
            for (used, tied), number in ways.items():
                blanks = k - votes - used
                subsets = comb(size, votes) * number * comb(unanswered, blanks)
                result += shares[winner] * Fraction(subsets, comb(total, k) * (tied + 1))
    return result


@pytest.mark.parametrize("k", [1, 2, 7, 24, 30, 64])
def test_maj_at_k_on_a_pool_too_large_to_enumerate(k):
    counts, right = [20, 18, 9, 5, 3, 1, 1, 1], [20, 0, 4, 5, 0, 1, 0, 0]
    clusters = np.repeat([*range(8), -1], [*counts, 6])
    correct = np.concatenate(
        [np.arange(n) < c for n, c in zip([*counts, 6], [*right, 0], strict=True)]
    )
    order = np.random.default_rng(1).permutation(64)
    shares = [Fraction(c, n) for c, n in zip(right, counts, strict=True)]

    value = maj_at_k(clusters[order], correct[order], k)

    assert value == pytest.approx(float(reference_maj_at_k(counts, shares, 6, k)), rel=1e-12)


@pytest.mark.parametrize("k", [1, 2, 514, 1028, 1029])
def test_maj_at_k_does_not_overflow(k):
    # two clusters: the first wins when it has more than half of the k votes, or half of the ties
    first, second = 540, 489
    ways = sum(
        Fraction(comb(first, votes) * comb(second, k - votes), 1 + (2 * votes == k))
        for votes in range((k + 1) // 2, k + 1)
    )
    value = maj_at_k(np.repeat([0, 1], [first, second]), np.repeat([1, 0], [first, second]), k)
    assert value == pytest.approx(float(ways / comb(1029, k)), rel=1e-10)


def test_all_sizes_at_once_are_the_sizes_one_by_one():
    # 1100 samples: the chances of the extreme sizes underflow unless computed apart
    rng = np.random.default_rng(5)
    clusters, correct = rng.integers(-1, 4, 1100), rng.integers(0, 2, 1100)
    sizes = [1100, 1, 550, 2, 1]
    together = maj_at_k(clusters, correct, sizes)
    np.testing.assert_allclose(
        together, [maj_at_k(clusters, correct, k) for k in sizes], rtol=1e-11
    )
    grid = maj_at_k(clusters[:9], correct[:9], np.array([[1, 2], [3, 9]]))
    assert grid.shape == (2, 2)
    assert grid[1, 0] == pytest.approx(maj_at_k(clusters[:9], correct[:9], 3))


@pytest.mark.parametrize("estimate", [maj_at_k, best_at_k])
def test_everybody_right_is_one_for_every_k(estimate):
    values = np.random.default_rng(2).integers(0, 5, 40)
    np.testing.assert_allclose(estimate(values, np.ones(40), np.arange(1, 41)), 1.0, rtol=1e-12)
    assert (estimate(values, np.ones(40), np.arange(1, 41)) <= 1).all()


@pytest.mark.parametrize(
    "rewards",
    [
        [3.0, 1.0, 2.0, 0.0, -1.0, 9.0],
        [1.0, 1.0, 2.0, 2.0, 2.0, 0.0],  # ties
        [NAN, 1.0, NAN, 0.5, 0.5, NAN],
        [NAN] * 6,
        [-np.inf, np.inf, NAN, np.inf, -np.inf, 0.0],
    ],
)
@pytest.mark.parametrize("correct", [[1, 0, 1, 0, 0, 1], [0, 1, 0, 1, 0, 0]])
def test_best_at_k_is_the_mean_over_every_ordered_subset(rewards, correct):
    for k in range(1, 7):
        exact = over_every_ordered_subset(best_of_n, rewards, correct, k)
        assert best_at_k(rewards, correct, k) == pytest.approx(float(exact), abs=1e-13)


def test_best_at_k_is_the_sum_over_ranks():
    correct = np.random.default_rng(3).integers(0, 2, 200)
    for k in (1, 3, 50, 200):
        ranks = [comb(200 - r, k - 1) / comb(200, k) for r in range(1, 201)]
        assert best_at_k(-np.arange(200), correct, k) == pytest.approx(correct @ ranks, rel=1e-11)


def test_best_at_k_of_a_perfect_judge_is_pass_at_k():
    correct = np.array([1] * 3 + [0] * 17)
    for k in range(1, 21):
        assert best_at_k(correct, correct, k) == pytest.approx(1 - comb(17, k) / comb(20, k))


@pytest.mark.parametrize("estimate", [maj_at_k, best_at_k])
@pytest.mark.parametrize("k", [0, -1, 4, [1, 4]])
def test_impossible_sizes_are_refused(estimate, k):
    with pytest.raises(ValueError, match=r"@(0|-1|4) needs k between 1 and the 3 samples"):
        estimate([0, 1, 1], [0, 1, 1], k)


@pytest.mark.parametrize("estimate", [maj_at_k, best_at_k])
def test_unclear_input_is_refused(estimate):
    with pytest.raises(ValueError, match=r"NaN at index 1.*by 0 and by 1 for the two extremes"):
        estimate([0, 1, 1], [0, NAN, 1], 2)
    with pytest.raises(ValueError, match="correct must be one number for each of 3"):
        estimate([0, 1, 1], [0, 1], 2)
    with pytest.raises(ValueError, match=r"whole numbers k, got 1\.5"):
        estimate([0, 1, 1], [0, 1, 1], 1.5)
