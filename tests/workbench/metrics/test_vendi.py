"""The Vendi score, against hand calculation, another formula and the authors' own package."""

from math import inf

import numpy as np
import pytest
from vendi_score import vendi

from workbench.metrics import METRICS
from workbench.metrics.cosine import ENTRIES, similarity_matrix
from workbench.metrics.spectrum import eigenvalues
from workbench.metrics.vendi import vendi as vendi_of
from workbench.metrics.vendi import vendi_score

ORDERS = [0.5, 1, 2, inf]
COPIES = np.ones((6, 6))
TWO_GROUPS = np.kron(np.eye(2), np.ones((3, 3)))  # a a a b b b
UNEVEN = np.array([[1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 1, 0], [0, 0, 0, 1]])  # a a a b


def kernels():
    """Cosines of random vectors, crowded and not, of 2 to 40 samples."""
    rng = np.random.default_rng(5)
    for n in (2, 3, 8, 16, 40):
        for crowding in (0.0, 1.0, 5.0):
            yield similarity_matrix(rng.normal(size=(n, 48)) + crowding * rng.normal(size=48))


@pytest.mark.parametrize("q", [0, 0.5, 1, 2, 7, inf])
@pytest.mark.parametrize(
    ("similarity", "expected"),
    [
        (np.eye(6), 6),  # nothing in common
        (COPIES, 1),
        (TWO_GROUPS, 2),  # two different samples, however often each
        (np.eye(1), 1),
    ],
)
def test_by_hand_where_the_order_makes_no_difference(similarity, expected, q):
    assert vendi_score(similarity, q) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        (0, 2),
        (0.5, (np.sqrt(3 / 4) + np.sqrt(1 / 4)) ** 2),
        (1, 4 / 3**0.75),  # exp(-3/4 log 3/4 - 1/4 log 1/4)
        (2, 16 / 10),  # 1 / (9/16 + 1/16)
        (inf, 4 / 3),
    ],
)
def test_by_hand_where_three_of_four_are_copies(q, expected):
    assert vendi_score(UNEVEN, q) == pytest.approx(expected, rel=1e-12)


def test_by_hand_for_a_pair():
    """Eigenvalues 1 + c and 1 - c."""
    pair = np.array([[1, 0.6], [0.6, 1]])
    assert vendi_score(pair, inf) == pytest.approx(1 / 0.8)
    assert vendi_score(pair) == pytest.approx(np.exp(-0.8 * np.log(0.8) - 0.2 * np.log(0.2)))


# it names a class of scipy by its former place
@pytest.mark.filterwarnings("ignore:Please import `csr_matrix`:DeprecationWarning")
@pytest.mark.parametrize("q", ORDERS)
def test_equals_the_package_vendi_score(q):
    theirs = [vendi.score_K(kernel, q="inf" if q == inf else q) for kernel in kernels()]
    ours = [vendi_score(kernel, q) for kernel in kernels()]
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)
    assert max(ours) > 2 * min(ours)  # or the kernels prove nothing


def test_order_2_is_one_over_the_mean_squared_cosine():
    for kernel in kernels():
        assert vendi_score(kernel, 2) == pytest.approx(1 / np.mean(kernel**2), rel=1e-10)


def test_it_never_rises_with_the_order_and_joins_up_at_the_limits():
    for kernel in kernels():
        values = [vendi_score(kernel, q) for q in (0, 0.5, 0.999, 1, 1.001, 2, 10, 5000, inf)]
        assert np.diff(values).max() <= 1e-9 * values[0]
        assert values[0] == pytest.approx(len(kernel))  # the rank
        assert values[2] == pytest.approx(values[3], rel=1e-2)
        assert values[4] == pytest.approx(values[3], rel=1e-2)
        assert values[-2] == pytest.approx(values[-1], rel=1e-2)  # 5000: no underflow


def test_a_repeat_is_no_new_sample_even_to_the_order_that_minds_small_shares():
    """Rounding would give each of 14 repeats an eigenvalue of 1e-16, whose root is not small."""
    vectors = np.random.default_rng(8).normal(size=(2, 384))
    pair, repeated = similarity_matrix(vectors), similarity_matrix(np.repeat(vectors, 8, axis=0))
    for q in (0, 0.1, *ORDERS):
        assert vendi_score(repeated, q) == pytest.approx(vendi_score(pair, q), rel=1e-12)


@pytest.mark.parametrize("q", ORDERS)
def test_a_subset_has_the_score_of_its_own_matrix(q):
    kernel = list(kernels())[-1]
    subsets = np.random.default_rng(3).permuted(np.tile(np.arange(40), (30, 1)), axis=1)[:, :7]
    alone = [vendi_score(kernel[np.ix_(members, members)], q) for members in subsets]
    np.testing.assert_allclose(vendi_of(eigenvalues(kernel, subsets), q), alone, rtol=1e-12)


@pytest.mark.parametrize("q", ORDERS)
def test_a_metric_has_the_order_in_its_name(q):
    row = METRICS[f"vendi_{q:g}"]
    value = row.fn(eigenvalues(UNEVEN, np.array([[0, 1, 2, 3]])))
    assert value == pytest.approx(vendi_score(UNEVEN, q))
    assert f"order {q:g}" in row.label


def test_more_subsets_than_are_decomposed_at_once():
    kernel = list(kernels())[-1]
    subsets = np.random.default_rng(4).integers(0, 40, size=(3 * ENTRIES // 32**2 // 2, 32))
    values = vendi_of(eigenvalues(kernel, subsets), 2)
    expected = [1 / np.mean(kernel[np.ix_(row, row)] ** 2) for row in subsets]
    np.testing.assert_allclose(values, expected, rtol=1e-10)


@pytest.mark.parametrize("q", [-0.5, float("nan"), -inf])
def test_an_order_that_is_none_is_refused(q):
    with pytest.raises(ValueError, match=f"order q of a Vendi score must be 0 or more, got {q}"):
        vendi_score(np.eye(3), q)
