from fractions import Fraction
from functools import cache
from itertools import permutations
from math import comb

import numpy as np
import pytest

from workbench.analysis.aggregate import best_at_k, best_of_n, maj_at_k, majority

NAN = np.nan
choose = cache(comb)


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


def reference_maj_at_k(counts, right, unanswered, ks):
    """The same sum in whole numbers: winner by winner, by its votes and by how many are tied.

    The coefficient of x^j counts the ways in which some clusters have j samples in the subset;
    clusters too small for the winner's votes fill it up as unanswered samples do.
    """
    counts, right = [int(n) for n in counts], [int(c) for c in right]
    total, most = sum(counts) + unanswered, max(ks)
    found = dict.fromkeys(ks, Fraction(0))
    for winner in np.flatnonzero(right):
        for votes in range(1, min(counts[winner], most) + 1):
            others = [n for n in np.delete(counts, winner).tolist() if n >= votes]
            ways = [np.array([1], dtype=object)]  # ways[t]: t of the others tied
            for other in others:
                fewer = np.array(
                    [*(choose(other, drawn) for drawn in range(votes)), 0], dtype=object
                )
                tie = np.array([*[0] * votes, choose(other, votes)], dtype=object)
                none = [0 * ways[0]]
                ways = [
                    (np.convolve(untied, fewer) + np.convolve(tied, tie))[: most + 1]
                    for untied, tied in zip(ways + none, none + ways, strict=True)
                ]
            rest = total - counts[winner] - sum(others)
            for k in [k for k in ks if k >= votes]:
                subsets = sum(
                    Fraction(number * choose(rest, k - votes - used), tied + 1)
                    for tied, row in enumerate(ways)
                    for used, number in enumerate(row[: k - votes + 1])
                    if number
                )
                won = Fraction(right[winner] * choose(counts[winner], votes), counts[winner])
                found[k] += won * subsets / choose(total, k)
    return [found[k] for k in ks]


def pool_of(counts, right, unanswered, rng):
    """(clusters, correct) of a pool in random order: the first ``right`` of a cluster are."""
    sizes = [*counts, unanswered]
    clusters = np.repeat([*range(len(counts)), -1], sizes)
    correct = np.concatenate(
        [np.arange(n) < c for n, c in zip(sizes, [*right, unanswered], strict=True)]
    )
    order = rng.permutation(len(clusters))
    return clusters[order], correct[order]


@pytest.mark.parametrize("seed", range(30))
def test_maj_at_k_of_random_pools_for_every_k(seed):
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, rng.integers(2, 9), rng.integers(1, 10))
    right = rng.binomial(counts, rng.choice([0.1, 0.5, 1.0]))
    unanswered = int(rng.integers(0, 5))
    clusters, correct = pool_of(counts, right, unanswered, rng)
    ks = list(range(1, len(clusters) + 1))
    some = [k for k in ks if rng.random() < 0.4] or [1]
    exact = reference_maj_at_k(counts, right, unanswered, ks)
    np.testing.assert_allclose(
        maj_at_k(clusters, correct, ks), [float(value) for value in exact], rtol=1e-13
    )
    np.testing.assert_allclose(  # fewer sizes: shorter polynomials, other odds
        maj_at_k(clusters, correct, some), [float(exact[k - 1]) for k in some], rtol=1e-13
    )


@pytest.mark.parametrize(
    ("counts", "right", "unanswered", "ks"),
    [
        ([20, 18, 9, 5, 3, 1, 1, 1], [20, 0, 4, 5, 0, 1, 0, 0], 6, [1, 2, 7, 24, 30, 64]),
        ([4] * 60, [0] * 59 + [4], 16, [1, 2, 9, 30]),  # many may tie
        ([17] * 56 + [18] * 4, [0] * 55 + [17, 18, 0, 0, 0], 0, [1, 3, 24]),
        ([512, 240, *[2] * 50], [0, 240, *[0] * 50], 172, [5, 300, 512, 700]),
        ([540, 489], [540, 0], 0, [1, 2, 514, 1028, 1029]),
    ],
)
def test_maj_at_k_of_pools_too_large_to_enumerate(counts, right, unanswered, ks):
    clusters, correct = pool_of(counts, right, unanswered, np.random.default_rng(1))
    exact = reference_maj_at_k(counts, right, unanswered, ks)
    assert min(exact) > 0
    everything = maj_at_k(clusters, correct, np.arange(1, len(clusters) + 1))
    for value, one, k in zip(exact, maj_at_k(clusters, correct, ks), ks, strict=True):
        assert abs(Fraction(float(one)) / value - 1) < 1e-13
        assert abs(Fraction(float(everything[k - 1])) / value - 1) < 1e-13


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
    with pytest.raises(ValueError, match=r"NaN at index 1.*by 0 and by 1 for extremes"):
        estimate([0, 1, 1], [0, NAN, 1], 2)
    with pytest.raises(ValueError, match="correct must be one number for each of 3"):
        estimate([0, 1, 1], [0, 1], 2)
    with pytest.raises(ValueError, match=r"whole numbers k, got 1\.5"):
        estimate([0, 1, 1], [0, 1, 1], 1.5)
