import hashlib
from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from workbench.core.subsets import choose_subsets, draw_subsets, members_of, pool_rng


def rng(seed=0):
    return np.random.default_rng(seed)


@given(st.integers(1, 40), st.data())
def test_rows_are_distinct_members_of_the_pool(n, data):
    k = data.draw(st.integers(1, n))
    subsets = draw_subsets(n, k, 7, rng())
    assert subsets.shape == (7, k)
    assert subsets.dtype == np.int64
    assert subsets.min() >= 0
    assert subsets.max() < n
    assert all(len(set(row)) == k for row in subsets.tolist())


def test_every_ordered_subset_is_equally_likely():
    drawn = draw_subsets(5, 3, 30_000, rng(4))
    _, counts = np.unique(drawn, axis=0, return_counts=True)
    assert len(counts) == 60  # 5 * 4 * 3 orders
    assert chisquare(counts).pvalue > 0.001


def test_equal_generators_give_equal_draws_and_nothing_else_is_consulted():
    for function in (draw_subsets, choose_subsets):
        first, second, third = (function(20, 4, 10, rng(seed)) for seed in (1, 1, 2))
        np.testing.assert_array_equal(first, second)
        assert (first != third).any()


@pytest.mark.parametrize(("n", "k", "replicates"), [(5, 2, 10), (5, 2, 11), (4, 4, 1), (3, 1, 3)])
def test_few_subsets_are_all_taken_once(n, k, replicates):
    chosen = choose_subsets(n, k, replicates, rng())
    assert sorted(map(sorted, chosen.tolist())) == [list(row) for row in combinations(range(n), k)]


def test_one_subset_too_many_and_they_are_drawn():
    chosen = choose_subsets(5, 2, comb(5, 2) - 1, rng())
    assert len(chosen) == 9
    np.testing.assert_array_equal(chosen, draw_subsets(5, 2, 9, rng()))


def test_members_of_enumerated_subsets_are_in_random_order():
    """Else a tie would always go to the sample that was drawn first."""
    first = np.array([choose_subsets(4, 4, 1, rng(seed))[0, 0] for seed in range(2000)])
    assert chisquare(np.bincount(first, minlength=4)).pvalue > 0.001
    pairs = choose_subsets(10, 2, 45, rng())
    assert 10 < (pairs[:, 0] > pairs[:, 1]).sum() < 35  # each row has an order of its own


def test_large_pools_are_no_trouble():
    assert choose_subsets(1024, 512, 10, rng()).shape == (10, 512)
    assert choose_subsets(1024, 1024, 10, rng()).shape == (1, 1024)


@pytest.mark.parametrize("function", [draw_subsets, choose_subsets])
@pytest.mark.parametrize(("n", "k"), [(3, 4), (3, 0), (0, 1)])
def test_impossible_sizes_are_refused(function, n, k):
    with pytest.raises(ValueError, match=f"cannot draw {k} distinct samples from a pool of {n}"):
        function(n, k, 5, rng())


def test_impossible_counts_are_refused():
    assert draw_subsets(3, 2, 0, rng()).shape == (0, 2)
    with pytest.raises(ValueError, match="cannot draw -1 subsets"):
        draw_subsets(3, 2, -1, rng())
    with pytest.raises(ValueError, match="replicates must be at least 1, got 0"):
        choose_subsets(3, 2, 0, rng())


def test_a_pools_generator_depends_on_its_name_and_nothing_else():
    base = (0, "problem-3", 0.7, 4)
    expected = pool_rng(*base).random(3)
    np.testing.assert_array_equal(pool_rng(*base).random(3), expected)
    same = (np.int64(0), "problem-3", np.float64(0.7), np.int32(4))  # as a table holds them
    np.testing.assert_array_equal(pool_rng(*same).random(3), expected)
    for other in [(1, *base[1:]), (0, "problem-4", 0.7, 4), (0, "problem-3", 1, 4), (*base[:3], 8)]:
        assert (pool_rng(*other).random(3) != expected).all()


def test_a_pools_generator_is_the_same_everywhere_and_always():
    """The draws of earlier runs hang on it."""
    digest = hashlib.sha256(b'[0, "problem-3", 0.7, 4]').hexdigest()
    assert digest.startswith("6e310b84")
    raw = np.random.PCG64(int(digest, 16)).random_raw(4)
    assert (pool_rng(0, "problem-3", 0.7, 4).bit_generator.random_raw(4) == raw).all()


def test_whole_temperatures_and_odd_names():
    assert (
        pool_rng(0, "\u6570 \ud800", 1, 2).random() == pool_rng(0, "\u6570 \ud800", 1.0, 2).random()
    )
    assert pool_rng(0, "a1", 0.5, 2).random() != pool_rng(0, "a", 10.5, 2).random()


def test_members_are_as_they_were_but_in_one_piece():
    subsets = np.arange(12, dtype=np.int32).reshape(2, 6)[:, ::-1]
    members = members_of(subsets, 12)
    assert members.tolist() == subsets.tolist()
    assert members.dtype == np.int64
    assert members.flags.c_contiguous
    assert members_of(np.empty((3, 0), dtype=np.int64), 0).shape == (3, 0)


@pytest.mark.parametrize(
    ("subsets", "message"),
    [
        ([[0, 3]], "there is no sample 3 in a pool of 3"),
        ([[0, 1], [2, -1]], "there is no sample -1 in a pool of 3"),
        ([0, 1], r"subsets must be \(S, K\), one row per subset, got shape \(2,\)"),
    ],
)
def test_what_are_no_subsets_of_a_pool_is_refused(subsets, message):
    with pytest.raises(ValueError, match=message):
        members_of(np.array(subsets), 3)
