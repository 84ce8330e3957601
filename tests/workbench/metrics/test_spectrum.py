"""The spectrum of a subset's cosines: RankMe and the decay exponent."""

import numpy as np
import pytest

from workbench.metrics.cosine import similarity_matrix
from workbench.metrics.spectrum import EPSILON, eigenvalues, spectral_alpha
from workbench.metrics.spectrum import rankme as rankme_of

RNG = np.random.default_rng(6)
VECTORS = RNG.normal(size=(20, 64)) + 1.5 * RNG.normal(size=64)
SIMILARITY = similarity_matrix(VECTORS)
SUBSETS = np.random.default_rng(7).permuted(np.tile(np.arange(20), (25, 1)), axis=1)[:, :6]


def rankme(matrix, subsets):
    return rankme_of(eigenvalues(matrix, subsets))


def alpha_of(matrix, subsets):
    return spectral_alpha(eigenvalues(matrix, subsets))


def whole(matrix):
    return np.arange(len(matrix))[None, :]


def with_spectrum(values, seed=0):
    """A symmetric matrix with unit diagonal and the given eigenvalues, which must have mean 1.

    Turns a diagonal matrix in one plane after another, each time making one diagonal entry 1
    (Bendel & Mickey 1978).
    """
    size = len(values)
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(size, size)))
    matrix = turn @ np.diag(values) @ turn.T
    for _ in range(size):
        low, high = np.argmin(np.diag(matrix)), np.argmax(np.diag(matrix))
        if matrix[high, high] - matrix[low, low] < 1e-13:
            break
        a, b, c = matrix[low, low] - 1, matrix[low, high], matrix[high, high] - 1
        t = (b + np.sqrt(b * b - a * c)) / c  # a - 2bt + ct^2 = 0
        cosine = 1 / np.sqrt(1 + t * t)
        rotation = np.eye(size)
        rotation[[low, high], [low, high]] = cosine
        rotation[low, high], rotation[high, low] = -t * cosine, t * cosine
        matrix = rotation @ matrix @ rotation.T
    np.fill_diagonal(matrix, 1.0)
    return (matrix + matrix.T) / 2


def power_law(count, alpha):
    values = np.arange(1, count + 1.0) ** -alpha
    return values * count / values.sum()


def test_eigenvalues_are_the_squared_singular_values_of_the_embeddings():
    units = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)
    for members, values in zip(SUBSETS, eigenvalues(SIMILARITY, SUBSETS), strict=True):
        singular = np.linalg.svd(units[members], compute_uv=False)
        np.testing.assert_allclose(values, singular**2, rtol=1e-10)
        assert values.sum() == pytest.approx(6)


def test_a_repeated_sample_is_an_eigenvalue_of_exactly_0():
    repeated = similarity_matrix(VECTORS[[0, 0, 1, 2, 2, 2]])
    values = eigenvalues(repeated, whole(repeated))[0]
    assert (values > 1e-3).tolist() == [True] * 3 + [False] * 3
    assert not values[3:].any()


@pytest.mark.parametrize(
    "matrix",
    [
        np.ones((2, 3)),
        np.ones(4),
        2 * np.eye(3),
        np.array([[np.nan, 0], [0, 1]]),
    ],
)
def test_what_is_no_similarity_matrix_is_refused(matrix):
    with pytest.raises(ValueError, match="square with ones on the diagonal"):
        eigenvalues(matrix, np.array([[0]]))


@pytest.mark.parametrize(
    ("matrix", "skew"),
    [(np.array([[1, 0.5], [0.4, 1]]), "0.1"), (np.array([[1, np.nan], [np.nan, 1]]), "nan")],
)
def test_what_is_not_symmetric_is_refused(matrix, skew):
    with pytest.raises(ValueError, match=f"mirror each other differ by {skew}"):
        eigenvalues(matrix, np.array([[0, 1]]))


def test_a_matrix_that_no_vectors_have_is_refused():
    a_is_b_is_c_but_not_a = np.array([[1, 1, 0], [1, 1, 1], [0, 1, 1.0]])
    with pytest.raises(ValueError, match=r"eigenvalue -0.414 over a subset of 3.*cosines"):
        eigenvalues(a_is_b_is_c_but_not_a, np.array([[0, 1, 2]]))


def test_cosines_kept_in_float32_will_do():
    crowded = similarity_matrix(np.repeat(VECTORS, 4, axis=0)).astype(np.float32)
    assert rankme(crowded, whole(crowded)) == pytest.approx(
        rankme(SIMILARITY, whole(SIMILARITY)), rel=0.01
    )


def paper_rankme(embeddings):
    """Equations 1 and 2 of the paper, on the embeddings themselves."""
    singular = np.linalg.svd(embeddings, compute_uv=False)
    p = singular / np.abs(singular).sum() + 1e-7
    return np.exp(-np.sum(p * np.log(p)))


def test_rankme_is_the_paper_s_of_the_unit_embeddings():
    units = VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)
    expected = [paper_rankme(units[members]) for members in SUBSETS]
    np.testing.assert_allclose(rankme(SIMILARITY, SUBSETS), expected, rtol=1e-10)
    assert max(expected) > 1.05 * min(expected)
    repeated = [0, 0, 1, 2, 2]
    value = rankme(SIMILARITY, np.array([repeated]))[0]
    assert value == pytest.approx(paper_rankme(units[repeated]), rel=1e-10)


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        (np.eye(5), 5),
        (np.ones((5, 5)), 1),
        (np.kron(np.eye(2), np.ones((3, 3))), 2),
        (np.eye(1), 1),
        # a a a a b: singular values 2 and 1
        (np.block([[np.ones((4, 4)), np.zeros((4, 1))], [np.zeros((1, 4)), np.eye(1)]]),
         3 / 2 ** (2 / 3)),
    ],
)  # fmt: skip
def test_rankme_by_hand_but_for_epsilon(matrix, expected):
    value = rankme(matrix, whole(matrix))[0]
    assert value == pytest.approx(expected, rel=20 * EPSILON * len(matrix))


@pytest.mark.parametrize("alpha", [0.0, 0.7, 1.0, 2.5])
@pytest.mark.parametrize("count", [3, 8, 20])
def test_alpha_is_the_exponent_of_a_power_law(count, alpha):
    matrix = with_spectrum(power_law(count, alpha))
    values = eigenvalues(matrix, whole(matrix))[0]
    np.testing.assert_allclose(values, power_law(count, alpha), rtol=1e-9)
    assert alpha_of(matrix, whole(matrix))[0] == pytest.approx(alpha, abs=1e-9)


def test_alpha_is_minus_the_slope_of_a_least_squares_line():
    for members, alpha in zip(SUBSETS, alpha_of(SIMILARITY, SUBSETS), strict=True):
        heights = np.log(eigenvalues(SIMILARITY, members[None, :])[0])
        slope = np.polyfit(np.log(np.arange(1, 7)), heights, 1)[0]
        assert alpha == pytest.approx(-slope, rel=1e-9)


def test_alpha_leaves_out_the_zeros_of_repeats():
    """In one call beside a subset without any, which has more eigenvalues."""
    subsets = np.array([[0, 0, 1, 2, 2, 3], [0, 1, 2, 3, 4, 5]])
    values = alpha_of(SIMILARITY, subsets)
    kept = eigenvalues(SIMILARITY, subsets[:1])[0][:4]
    slope = np.polyfit(np.log(np.arange(1, 5)), np.log(kept), 1)[0]
    assert values[0] == pytest.approx(-slope, rel=1e-9)
    assert values[1] == pytest.approx(alpha_of(SIMILARITY, subsets[1:])[0])
    three_directions = np.kron(np.eye(3), np.ones((4, 4)))
    assert alpha_of(three_directions, whole(three_directions))[0] == pytest.approx(0)


@pytest.mark.parametrize("members", [[0], [0, 1], [0, 0, 0, 0], [0, 0, 0, 1, 1]])
def test_alpha_of_fewer_than_three_different_samples_is_nan(members):
    assert np.isnan(alpha_of(SIMILARITY, np.array([members]))[0])


def test_the_closer_samples_are_the_larger_alpha_and_the_lower_rankme():
    common, own = VECTORS[0], np.random.default_rng(9).normal(size=(8, 64))
    crowds = [similarity_matrix(own + pull * common) for pull in (0, 0.5, 1, 2, 4, 8)]
    alphas = [alpha_of(crowd, whole(crowd))[0] for crowd in crowds]
    ranks = [rankme(crowd, whole(crowd))[0] for crowd in crowds]
    assert (np.diff(alphas) > 0).all()
    assert (np.diff(ranks) < 0).all()
