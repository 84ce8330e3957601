import numpy as np
import pytest

from workbench.metrics import cosine
from workbench.metrics.cosine import similarity_matrix
from workbench.metrics.dpp import log_volume, quality_log_volume


@pytest.fixture
def similarity():
    return similarity_matrix(np.random.default_rng(2).normal(size=(8, 6)))


def test_two_samples_by_hand():
    """The determinant of [[1, c], [c, 1]] is 1 - c^2."""
    similarity = np.array([[1, 0.6], [0.6, 1]])
    value = log_volume(similarity, np.array([[0, 1]]), jitter=0.0)
    assert value == pytest.approx([np.log(0.64)])


def test_equals_the_log_of_the_product_of_eigenvalues(similarity):
    subsets = np.array([[0, 1, 2, 3], [7, 2, 5, 4]])
    expected = [
        np.log(np.linalg.eigvalsh(similarity[np.ix_(row, row)]) + 1e-3).sum() for row in subsets
    ]
    np.testing.assert_allclose(log_volume(similarity, subsets, 1e-3), expected, rtol=1e-12)


def test_more_subsets_than_are_decomposed_at_once(similarity, monkeypatch):
    rng = np.random.default_rng(4)
    subsets = rng.permuted(np.tile(np.arange(8), (50, 1)), axis=1)[:, :5]
    whole = log_volume(similarity, subsets)
    monkeypatch.setattr(cosine, "ENTRIES", 7 * 5**2)
    np.testing.assert_array_equal(log_volume(similarity, subsets), whole)
    assert len(set(whole.round(6))) > 20


def test_equals_the_volume_spanned_by_the_unit_vectors():
    vectors = np.random.default_rng(8).normal(size=(3, 3))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    volume = abs(unit[0] @ np.cross(unit[1], unit[2]))
    value = log_volume(similarity_matrix(vectors), np.array([[0, 1, 2]]), jitter=0.0)
    assert value == pytest.approx([2 * np.log(volume)])


def test_orthogonal_samples_span_volume_one():
    assert log_volume(np.eye(4), np.array([[3, 1, 0]])) == pytest.approx([3 * np.log1p(1e-6)])


def test_one_sample_spans_its_own_length(similarity):
    assert log_volume(similarity, np.array([[0], [4]])) == pytest.approx([np.log1p(1e-6)] * 2)


def test_a_further_sample_never_adds_volume(similarity):
    members = np.array([4, 0, 7, 2, 1, 6, 3, 5])
    volumes = [log_volume(similarity, members[None, :k], 0.0)[0] for k in range(1, 6)]
    assert (np.diff(volumes) < 0).all()


@pytest.mark.parametrize("repeats", [1, 2, 3])
def test_each_repeat_costs_the_log_of_the_jitter(repeats):
    """r copies beside the first: one eigenvalue r + 1, and r that are nothing but jitter."""
    size = 8 - repeats
    similarity = similarity_matrix(np.eye(size)[[*range(size)] + [0] * repeats])
    for jitter in (1e-4, 1e-6, 1e-8):
        value = log_volume(similarity, np.arange(8)[None, :], jitter)
        assert value == pytest.approx([repeats * np.log(jitter) + np.log(1 + repeats)], abs=1e-2)


def test_copies_without_jitter_have_no_volume():
    similarity = np.ones((3, 3))
    assert log_volume(similarity, np.array([[0, 1, 2]]), jitter=0.0)[0] == -np.inf
    above = np.nextafter(1, 2)  # copies whose determinant rounding has made negative
    similarity = np.array([[1, above], [above, 1]])
    assert np.linalg.det(similarity) < 0
    assert log_volume(similarity, np.array([[0, 1]]), jitter=0.0)[0] == -np.inf


def test_copies_up_to_rounding_have_a_defined_value():
    vectors = np.random.default_rng(0).normal(size=(1, 384)).astype(np.float32)
    near = similarity_matrix(vectors * np.linspace(0.9, 1.1, 16)[:, None])
    value = log_volume(near, np.arange(16)[None, :])
    assert value == pytest.approx([15 * np.log(1e-6) + np.log(16)], abs=1e-6)


def test_quality_adds_each_members_log_probability(similarity):
    logprobs = np.array([-0.1, -0.2, -0.4, -0.8, -1.6, -3.2, -6.4, -12.8])
    subsets = np.array([[0, 1, 7], [6, 3, 2]])
    volumes = log_volume(similarity, subsets)
    expected = volumes + np.array([-13.1, -7.6])
    np.testing.assert_allclose(quality_log_volume(volumes, logprobs, subsets), expected)


def test_quality_is_the_determinant_of_the_quality_kernel(similarity):
    """Kulesza & Taskar's L_ij = q_i S_ij q_j with q_i = exp(logprob_i / 2)."""
    logprobs = -np.arange(1.0, 9.0) / 4
    q = np.exp(logprobs / 2)
    kernel = q[:, None] * similarity * q
    members = [1, 5, 2, 7]
    expected = np.log(np.linalg.det(kernel[np.ix_(members, members)]))
    volumes = log_volume(similarity, np.array([members]), jitter=0.0)
    value = quality_log_volume(volumes, logprobs, np.array([members]))
    assert value == pytest.approx([expected])


def test_likely_copies_may_outweigh_different_samples_that_are_unlikely():
    copies, different = np.ones((3, 3)), np.eye(3)
    everything = np.arange(3)[None, :]
    likely, unlikely = np.zeros(3), np.full(3, -100.0)
    worth = quality_log_volume(log_volume(copies, everything), likely, everything)
    assert worth > quality_log_volume(log_volume(different, everything), unlikely, everything)


def test_an_unknown_log_probability_makes_its_subsets_unknown_and_no_others(similarity):
    logprobs = np.array([np.nan] + [-1.0] * 7)
    values = quality_log_volume(np.zeros(2), logprobs, np.array([[0, 1], [1, 2]]))
    assert np.isnan(values).tolist() == [True, False]


def test_jitter_is_used(similarity):
    subsets = np.arange(8)[None, :]  # 8 vectors in 6 dimensions
    assert log_volume(similarity, subsets, 1e-4)[0] - log_volume(similarity, subsets, 1e-8)[
        0
    ] == pytest.approx(2 * np.log(1e4), abs=0.1)


@pytest.mark.parametrize("wrong", [np.ones((2, 3)), np.array([[2.0, 0], [0, 2]]), np.ones(3)])
def test_what_is_not_a_cosine_matrix_is_refused(wrong):
    with pytest.raises(ValueError, match=r"ones on the diagonal, got shape \("):
        log_volume(wrong, np.array([[0, 1]]))


@pytest.mark.parametrize("wrong", [-1, 2])
def test_an_index_outside_the_pool_is_refused(wrong):
    with pytest.raises(ValueError, match=f"no sample {wrong} in a pool of 2"):
        log_volume(np.eye(2), np.array([[0, wrong]]))


@pytest.mark.parametrize("jitter", [-1e-6, np.nan])
def test_a_negative_jitter_is_refused(jitter):
    with pytest.raises(ValueError, match="must not be negative"):
        log_volume(np.eye(2), np.array([[0, 1]]), jitter)
