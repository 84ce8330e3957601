import numpy as np
import pytest
from scipy.stats import entropy

from workbench.metrics.answers import answer_entropy as entropy_of
from workbench.metrics.answers import group_sizes
from workbench.metrics.answers import num_answers as number_of


def answer_entropy(clusters, subsets):
    return entropy_of(group_sizes(clusters, subsets))


def num_answers(clusters, subsets):
    return number_of(group_sizes(clusters, subsets))


CLUSTERS = np.array([0, 0, 1, -1, 2, -1, 1, 0])


def test_by_hand():
    subsets = np.array(
        [
            [0, 1, 7, 1],  # all agree
            [0, 1, 2, 6],  # two and two
            [0, 2, 4, 3],  # three answers, one of them unanswered
            [0, 3, 5, 1],  # two that agree, two unanswered
        ]
    )
    expected = [0.0, np.log(2), np.log(3), 0.0]
    assert answer_entropy(CLUSTERS, subsets) == pytest.approx(expected)
    assert num_answers(CLUSTERS, subsets).tolist() == [1, 2, 3, 1]


def test_nobody_answered():
    subsets = np.array([[3, 5], [3, 0]])
    assert np.isnan(answer_entropy(CLUSTERS, subsets)).tolist() == [True, False]
    assert num_answers(CLUSTERS, subsets).tolist() == [0, 1]


def test_one_sample_has_one_answer_and_no_entropy():
    values = answer_entropy(CLUSTERS, np.array([[4]]))
    assert values.tolist() == [0.0]
    assert not np.signbit(values[0])
    assert num_answers(CLUSTERS, np.array([[4]])).tolist() == [1]


def test_equals_scipy_on_random_clusters():
    rng = np.random.default_rng(6)
    clusters = rng.integers(0, 5, size=40)
    subsets = np.stack([rng.permutation(40)[:12] for _ in range(20)])
    expected = [entropy(np.bincount(clusters[row])) for row in subsets]
    np.testing.assert_allclose(answer_entropy(clusters, subsets), expected, rtol=1e-12)
    assert num_answers(clusters, subsets).tolist() == [len(set(clusters[row])) for row in subsets]


def test_the_numbers_of_the_clusters_mean_nothing():
    subsets = np.array([[0, 2, 4, 6], [7, 1, 2, 3]])
    renamed = np.array([90, 90, 7, -1, 0, -1, 7, 90])
    np.testing.assert_array_equal(
        answer_entropy(CLUSTERS, subsets), answer_entropy(renamed, subsets)
    )
