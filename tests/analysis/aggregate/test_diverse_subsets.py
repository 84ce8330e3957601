import itertools

import kmedoids as peer
import numpy as np
import pytest
from dppy.exact_sampling import proj_dpp_sampler_eig
from scipy import stats

from workbench.analysis.aggregate import diverse_subsets as diverse
from workbench.analysis.aggregate.diverse_subsets import (
    farthest_point,
    greedy_map,
    k_dpp,
    projection_dpp,
)
from workbench.analysis.aggregate.medoids import k_medoids as medoids_of_sizes
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


def k_medoids(distances, m):
    (found,) = medoids_of_sizes(distances, [m])
    return found


def draw(kernel, m, count, seed=0):
    (sets,) = k_dpp(kernel, [m], count, [np.random.default_rng(seed)])
    return sets


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


def plain_medoids(distances, m):
    """PAM as it is described: every sample, then every swap is tried, the first best one taken."""
    size, medoids = len(distances), []
    for _ in range(m):
        rest = [i for i in range(size) if i not in medoids]
        medoids.append(min(rest, key=lambda i: loss(distances, [*medoids, i])))
    while True:
        swaps = itertools.product(range(m), range(size))
        tried = [[*medoids[:old], new, *medoids[old + 1 :]] for old, new in swaps]
        best = min(tried, key=lambda some: loss(distances, some))
        if loss(distances, best) >= loss(distances, medoids):
            return medoids
        medoids = best


@pytest.mark.parametrize("scale", [1.0, 0.1])
@pytest.mark.parametrize("dimensions", [1, 2])
def test_medoids_are_those_of_trying_everything_with_ties_to_the_first(dimensions, scale):
    """Whole numbers have many ties; a tenth of them has the same ones, but for rounding."""
    rng = np.random.default_rng(dimensions)
    for size in (1, 2, 5, 12, 17):
        places = rng.integers(0, 12, (size, dimensions))  # repeats among them
        distances = np.abs(places[:, None] - places).sum(axis=2).astype(float)
        sizes = sorted({1, (size + 1) // 2, max(size - 1, 1), size})
        for m, medoids in zip(sizes, medoids_of_sizes(scale * distances, sizes), strict=True):
            assert medoids.tolist() == plain_medoids(distances, m)


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


def agree(seen, chances):
    """Whether sets were drawn with their chances: chi-square, what is rare taken together."""
    sets = list(chances)
    counts = np.array([seen.count(s) for s in sets])
    assert counts.sum() == len(seen)
    expected = np.array([chances[s] for s in sets]) * len(seen) / sum(chances.values())
    common = expected >= 5
    observed = [*counts[common], counts[~common].sum()]
    expected = [*expected[common], expected[~common].sum()]
    kept = np.array(expected) > 0
    return stats.chisquare(np.array(observed)[kept], np.array(expected)[kept]).pvalue > 1e-3


@pytest.mark.parametrize("at_once", [32, 2, 1])
@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_sets_are_drawn_in_proportion_to_their_determinants(m, at_once, monkeypatch):
    monkeypatch.setattr(diverse, "DRAWN_AT_ONCE", at_once)
    kernel = cosines(5, distinct=4, dimensions=3, jitter=0.05)
    sets = itertools.combinations(range(5), m)
    chances = {s: np.linalg.det(kernel[np.ix_(s, s)]) for s in sets}
    seen = [tuple(sorted(row)) for row in draw(kernel, m, 4000, seed=1).tolist()]
    assert agree(seen, chances)


def test_sets_are_drawn_as_dppy_draws_them(monkeypatch):
    """In their order too, from the same eigenvectors; and several sizes in one call."""
    monkeypatch.setattr(diverse, "DRAWN_AT_ONCE", 1)
    vectors = np.linalg.qr(np.random.default_rng(2).normal(size=(6, 3)) * [9, 3, 1])[0]
    rng = np.random.default_rng(3)
    ours = [tuple(s) for s in projection_dpp(vectors, np.tile(np.arange(3), (4000, 1)), rng)]
    theirs = [tuple(proj_dpp_sampler_eig(vectors, random_state=i)) for i in range(2000)]
    table = [[some.count(s) for s in set(ours) | set(theirs)] for some in (ours, theirs)]
    assert stats.chi2_contingency(table).pvalue > 1e-3
    # by hand: the squared determinant of the three rows, shared by their six orders
    squares = {s: np.linalg.det(vectors[list(s)]) ** 2 for s in itertools.permutations(range(6), 3)}
    assert sum(squares.values()) == pytest.approx(6)
    assert agree(ours, {s: 1e-12 + square for s, square in squares.items()})


def test_every_size_has_its_own_draws_and_generator():
    kernel = cosines(40, dimensions=30)
    sizes = [2, 36, 8]
    together = k_dpp(kernel, sizes, 5, [np.random.default_rng(m) for m in sizes])
    for m, sets in zip(sizes, together, strict=True):
        assert sets.shape == (5, m)
        np.testing.assert_array_equal(sets, draw(kernel, m, 5, seed=m))


def test_draws_are_the_same_for_the_same_seed_only():
    kernel = cosines(30, dimensions=20)
    one, again, other = (draw(kernel, 8, 5, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
    assert not np.array_equal(one[0], one[1])


def test_more_can_be_drawn_than_there_are_distinct_samples():
    kernel = cosines(12, distinct=3)
    for row in draw(kernel, 3, 20):
        block = kernel[np.ix_(row, row)]
        assert np.linalg.det(block) > 1e-3  # never a repeat while others are left
    for m in (4, 11, 12):
        (row,) = draw(kernel, m, 1)
        assert len(set(row)) == m


@pytest.mark.parametrize("m", [20, 128, 255, 256])
def test_sets_far_larger_than_the_rank_do_not_underflow(m):
    kernel = cosines(256, distinct=20, dimensions=30)
    texts = np.unique((kernel - 1e-6 * np.eye(256)).round(6), axis=0, return_inverse=True)[1]
    assert len(set(texts)) == 20
    for row in draw(kernel, m, 3):
        assert len(set(row)) == m
        assert len(set(texts[row])) == 20


def test_a_kernel_that_is_not_positive_definite_is_refused_with_the_way_out():
    with pytest.raises(ValueError, match=r"least eigenvalue is -1.*measure.dpp_jitter"):
        draw(np.array([[1.0, 2.0], [2.0, 1.0]]), 1, 1)


@pytest.mark.parametrize(
    "choose",
    [k_medoids, farthest_point, greedy_map, lambda x, m: draw(x, m, 1)],
)
def test_what_cannot_be_kept_is_refused(choose):
    for m in (0, 4):
        with pytest.raises(ValueError, match=f"cannot keep {m} of 3 samples; m must be between"):
            choose(np.eye(3), m)
    with pytest.raises(ValueError, match=r"must be a square .* got shape \(2, 3\)"):
        choose(np.ones((2, 3)), 1)
    with pytest.raises(ValueError, match="with 1 that are not finite"):
        choose(np.array([[0.0, NAN], [1.0, 0.0]]), 1)
