import itertools

import kmedoids as peer
import numpy as np
import pytest
from scipy import stats

from workbench.diverse import farthest_point, greedy_map, k_dpp, k_medoids
from workbench.metrics.cosine import similarity_matrix

NAN = np.nan


def apart(*places):
    """Distances between points on a line."""
    x = np.array(places, dtype=float)
    return np.abs(x[:, None] - x)


def points(n, seed=0, dimensions=4):
    x = np.random.default_rng(seed).normal(size=(n, dimensions))
    return np.linalg.norm(x[:, None] - x, axis=2)


def cosines(n, distinct=None, seed=0, dimensions=6, jitter=1e-6):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(distinct or n, dimensions)) + 0.5
    similarity = similarity_matrix(vectors[rng.permutation(n) % len(vectors)])
    return similarity + jitter * np.eye(n)


def loss(distances, medoids):
    return distances[:, medoids].min(axis=1).sum()


# Three clusters of three; their middles are 1, 4 and 7. The first medoid of all is 4.
CLUSTERS = apart(0, 1, 2, 10, 11, 12, 100, 101, 102)


def test_medoids_of_clear_clusters_are_their_middles():
    assert sorted(k_medoids(CLUSTERS, 3)) == [1, 4, 7]
    assert k_medoids(CLUSTERS, 1).tolist() == [4]


def test_farthest_points_start_at_the_medoid_and_take_one_of_each_cluster():
    # from 11 the farthest is 102; from these two it is 0, at 11; then 100 and 2 and 1 ... are left
    assert farthest_point(CLUSTERS, 3).tolist() == [4, 8, 0]
    chosen = farthest_point(CLUSTERS, 9).tolist()
    assert chosen[:3] == [4, 8, 0]
    assert sorted(chosen) == list(range(9))


def test_a_swap_mends_what_was_built_step_by_step():
    # by hand: 5 comes first, and with any other leaves a sum of 10; 0 or 1 with 9 leaves 6
    distances = apart(0, 1, 5, 9, 10)
    assert k_medoids(distances, 1).tolist() == [2]
    assert [loss(distances, [2, other]) for other in (0, 1, 3, 4)] == [10, 10, 10, 10]
    assert loss(distances, k_medoids(distances, 2)) == 6


@pytest.mark.parametrize("m", range(1, 9))
def test_no_single_swap_helps(m):
    for seed in range(5):
        distances = points(8, seed)
        medoids = k_medoids(distances, m).tolist()
        assert len(set(medoids)) == m
        for old, new in itertools.product(medoids, set(range(8)) - set(medoids)):
            swapped = [new if i == old else i for i in medoids]
            assert loss(distances, swapped) >= loss(distances, medoids) - 1e-12


@pytest.mark.parametrize(("n", "m"), [(9, 4), (64, 1), (64, 8), (64, 24), (200, 40)])
def test_medoids_are_those_of_an_independent_package(n, m):
    for seed in range(4):
        distances = points(n, seed)
        other = peer.pam(distances, m, init="build").medoids
        # of a cluster of two either one is the medoid
        assert loss(distances, k_medoids(distances, m)) == pytest.approx(loss(distances, other))


@pytest.mark.parametrize("choose", [k_medoids, farthest_point, greedy_map])
@pytest.mark.parametrize("m", range(1, 7))
def test_repeats_are_kept_only_when_nothing_else_is_left(choose, m):
    kinds = np.array([0, 0, 1, 1, 2, 2])
    similarity = np.array([[1, 0.2, 0.1], [0.2, 1, 0], [0.1, 0, 1]])[np.ix_(kinds, kinds)]
    matrix = similarity + 1e-6 * np.eye(6) if choose is greedy_map else 1 - similarity
    kept = choose(matrix, m).tolist()
    assert len(set(kept)) == m
    assert len(set(kinds[kept])) == min(m, 3)


@pytest.mark.parametrize("choose", [k_medoids, farthest_point, greedy_map])
def test_the_whole_pool_a_single_sample_and_samples_that_are_all_alike(choose):
    assert sorted(choose(points(5) if choose is not greedy_map else cosines(5), 5)) == [
        0,
        1,
        2,
        3,
        4,
    ]
    assert choose(np.ones((1, 1)), 1).tolist() == [0]
    assert choose(np.zeros((4, 4)), 2).tolist() == [0, 1]


def test_greedy_choices_are_those_of_determinants_taken_one_by_one():
    for seed in range(20):
        kernel = cosines(9, seed=seed)
        chosen = [0]  # all diagonals are equal
        while len(chosen) < 6:
            rest = [i for i in range(9) if i not in chosen]
            dets = [np.linalg.det(kernel[np.ix_(t, t)]) for t in ([*chosen, i] for i in rest)]
            chosen.append(rest[int(np.argmax(dets))])
        assert greedy_map(kernel, 6).tolist() == chosen
        assert greedy_map(kernel, 4).tolist() == chosen[:4]


def test_greedy_choices_by_hand_in_a_kernel_with_qualities():
    kernel = np.array([[4, 3.9, 0], [3.9, 4.1, 0], [0, 0, 1]])
    # first the largest diagonal; then 4 - 3.9²/4.1 = 0.29 against 1
    assert greedy_map(kernel, 3).tolist() == [1, 2, 0]


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_sets_are_drawn_in_proportion_to_their_determinants(m):
    kernel = cosines(5, distinct=4, dimensions=3, jitter=0.05)
    sets = list(itertools.combinations(range(5), m))
    chances = np.array([np.linalg.det(kernel[np.ix_(s, s)]) for s in sets])
    chances /= chances.sum()
    drawn = k_dpp(kernel, m, 4000, np.random.default_rng(1))
    seen = [tuple(sorted(row)) for row in drawn.tolist()]
    counts = np.array([seen.count(s) for s in sets])
    assert counts.sum() == 4000
    common = chances * 4000 >= 5
    observed = [*counts[common], counts[~common].sum()]
    expected = [*chances[common] * 4000, chances[~common].sum() * 4000]
    kept = np.array(expected) > 0
    assert stats.chisquare(np.array(observed)[kept], np.array(expected)[kept]).pvalue > 1e-3


def test_draws_are_the_same_for_the_same_seed_only():
    kernel = cosines(30, dimensions=20)
    one, again, other = (k_dpp(kernel, 8, 5, np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one[0], one[1])


def test_more_can_be_drawn_than_there_are_distinct_samples():
    kernel = cosines(12, distinct=3)
    for row in k_dpp(kernel, 3, 20, np.random.default_rng(0)):
        block = kernel[np.ix_(row, row)]
        assert np.linalg.det(block) > 1e-3  # never a repeat while others are left
    for m in (4, 11, 12):
        (row,) = k_dpp(kernel, m, 1, np.random.default_rng(0))
        assert len(set(row)) == m


def test_sets_far_larger_than_the_rank_do_not_underflow():
    kernel = cosines(256, distinct=20, dimensions=30)
    (row,) = k_dpp(kernel, 128, 1, np.random.default_rng(0))
    assert len(set(row)) == 128
    texts = np.unique((kernel - 1e-6 * np.eye(256)).round(6), axis=0, return_inverse=True)[1]
    assert len(set(texts[row])) == len(set(texts)) == 20


def test_a_kernel_that_is_not_positive_definite_is_refused_with_the_way_out():
    with pytest.raises(ValueError, match=r"least eigenvalue is -1.*measure.dpp_jitter"):
        k_dpp(np.array([[1.0, 2.0], [2.0, 1.0]]), 1, 1, np.random.default_rng(0))


@pytest.mark.parametrize(
    "choose",
    [k_medoids, farthest_point, greedy_map, lambda x, m: k_dpp(x, m, 1, np.random.default_rng(0))],
)
def test_what_cannot_be_kept_is_refused(choose):
    for m in (0, 4):
        with pytest.raises(ValueError, match=f"cannot keep {m} of 3 samples; m must be between"):
            choose(np.eye(3), m)
    with pytest.raises(ValueError, match=r"must be a square .* got shape \(2, 3\)"):
        choose(np.ones((2, 3)), 1)
    with pytest.raises(ValueError, match="with 1 that are not finite"):
        choose(np.array([[0.0, NAN], [1.0, 0.0]]), 1)
