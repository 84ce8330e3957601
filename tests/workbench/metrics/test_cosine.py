from itertools import combinations

import numpy as np
import pytest

from workbench.metrics.cosine import (
    mean_cosine,
    mean_off_diagonal,
    mean_over_pairs,
    similarity_matrix,
)


@pytest.fixture
def embeddings():
    return np.random.default_rng(5).normal(size=(7, 4)).astype(np.float32)


def test_by_hand():
    half = np.sqrt(0.5)
    expected = [[1, 0, half, -1], [0, 1, half, 0], [half, half, 1, -half], [-1, 0, -half, 1]]
    cosines = similarity_matrix(np.array([[2.0, 0], [0, 0.5], [3, 3], [-1, 0]]))
    np.testing.assert_allclose(cosines, expected, atol=1e-15)


def test_is_what_a_log_determinant_needs(embeddings):
    cosines = similarity_matrix(np.concatenate([embeddings, embeddings]))  # with repeats
    assert cosines.dtype == np.float64
    assert (np.diag(cosines) == 1).all()
    assert (cosines == cosines.T).all()
    assert np.abs(cosines).max() <= 1
    assert np.linalg.eigvalsh(cosines).min() > -1e-13
    np.testing.assert_allclose(cosines[0, 7], 1, atol=1e-15)


def test_unit_vectors_of_float32_are_normalised_anew(embeddings):
    unit = (embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)).astype(np.float32)
    exact = unit.astype(np.float64)
    lengths = np.linalg.norm(exact, axis=1)
    assert np.abs(lengths - 1).max() > 1e-9  # it matters here, or the test proves nothing
    off = exact @ exact.T / np.outer(lengths, lengths)
    np.testing.assert_allclose(similarity_matrix(unit), off, atol=1e-14)


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_a_vector_without_direction_is_named(embeddings, bad):
    embeddings[3] = bad
    with pytest.raises(ValueError, match=r"embedding 3 .*\(1 of 7 like this\)"):
        similarity_matrix(embeddings)


def test_one_vector_is_not_a_pool():
    with pytest.raises(ValueError, match=r"\(N, D\).*got \(3,\)"):
        similarity_matrix(np.ones(3))


def test_mean_cosine_equals_a_loop_over_unordered_pairs(embeddings):
    cosines = similarity_matrix(embeddings)
    subsets = np.array([[0, 3, 6], [5, 1, 2]])
    expected = [np.mean([cosines[i, j] for i, j in combinations(row, 2)]) for row in subsets]
    np.testing.assert_allclose(mean_cosine(cosines, subsets), expected, rtol=1e-14)


@pytest.mark.parametrize("k", [2, 5, 8])
def test_the_mean_off_the_diagonal_equals_a_mean_of_what_is_there(k):
    rng = np.random.default_rng(k)
    matrix = np.asfortranarray(rng.normal(size=(8, 8)))  # not symmetric, and not as C has it
    subsets = rng.permuted(np.tile(np.arange(8), (30, 1)), axis=1)[:, :k]
    apart = ~np.eye(k, dtype=bool)
    expected = [matrix[np.ix_(row, row)][apart].mean() for row in subsets]
    np.testing.assert_allclose(mean_off_diagonal(matrix, subsets), expected, rtol=0, atol=1e-14)


@pytest.mark.parametrize("wrong", [-1, 3])
def test_an_index_outside_the_pool_is_refused(wrong):
    with pytest.raises(ValueError, match=f"no sample {wrong} in a pool of 3"):
        mean_off_diagonal(np.eye(3), np.array([[0, wrong]]))


def test_no_pair_no_number():
    assert np.isnan(mean_cosine(np.eye(2), np.array([[0], [1]]))).all()
    assert np.isnan(mean_over_pairs(np.eye(1)))


def test_both_orders_of_a_pair_count_and_nothing_on_the_diagonal_does():
    matrix = np.array([[np.nan, 1.0], [3.0, np.nan]])
    assert mean_off_diagonal(matrix, np.array([[1, 0]])) == pytest.approx([2.0])


@pytest.mark.parametrize("k", [2, 3, 7])
def test_the_mean_over_pairs_is_the_mean_over_every_subset(embeddings, k):
    cosines = similarity_matrix(embeddings)
    every = np.array(list(combinations(range(7), k)))
    assert mean_over_pairs(cosines) == pytest.approx(mean_cosine(cosines, every).mean(), rel=1e-12)
