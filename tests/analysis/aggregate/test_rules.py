import math

import numpy as np
import pytest

from workbench.analysis.aggregate import best_of_n, majority, mbr, weighted_majority

NAN = math.nan


@pytest.mark.parametrize(
    ("clusters", "expected"),
    [
        ([0, 1, 1], 1),  # the commonest, by its first sample
        ([4, 2, 2, 4], 0),  # a tie goes to the cluster seen first, not to the smaller number
        ([2, 4, 4, 2], 0),
        ([-1, -1, -1, 3], 3),  # three that did not answer do not outvote one that did
        ([-1, -1], None),
        ([], None),
        ([7], 0),
    ],
)
def test_majority_by_hand(clusters, expected):
    assert majority(clusters) == expected
    assert majority(np.array(clusters, dtype=np.int64)) == expected


def test_the_order_of_the_samples_settles_ties():
    assert majority([1, 0, 0, 1]) == 0
    assert majority([-1, 0, 1, 0, 1]) == 1
    assert majority([-1, 1, 0, 0, 1]) == 1


@pytest.mark.parametrize("clusters", [[0.5, 1.0], ["a", "b"], [[0, 1]], [True, False]])
def test_what_is_no_cluster_number_is_refused(clusters):
    with pytest.raises(ValueError, match="clusters must be one row of whole numbers"):
        majority(clusters)


def test_numbers_below_unanswered_are_refused():
    with pytest.raises(ValueError, match=r"-1 \(unanswered\) or higher, got -2"):
        majority([0, -2])


@pytest.mark.parametrize(
    ("clusters", "weights", "expected"),
    [
        ([0, 1, 1], [0.9, 0.2, 0.3], 0),  # 0.9 > 0.5
        ([0, 1, 1], [0.4, 0.2, 0.3], 1),  # 0.4 < 0.5
        ([0, 1], [0.5, 0.5], 0),  # tied: seen first
        ([1, 0], [0.0, 0.0], 0),  # votes of no weight are votes
        ([-1, 0], [9.0, 0.1], 1),  # unanswered
        ([0, 1], [NAN, 0.1], 1),  # no weight known: does not vote
        ([1, 1, 0], [NAN, 0.9, 0.5], 1),  # … nor is it picked when others of its cluster win
        ([1, 0, 1], [NAN, 0.5, 0.5], 1),  # the cluster that voted first
        ([0, 1], [NAN, NAN], None),
        ([-1], [1.0], None),
        ([], [], None),
        ([0, 1, 1], [math.inf, 1.0, 1.0], 0),
    ],
)
def test_weighted_majority_by_hand(clusters, weights, expected):
    assert weighted_majority(clusters, weights) == expected


def test_equal_sums_tie_whatever_the_order_of_their_terms():
    assert sum([0.1, 0.2, 0.3]) != sum([0.3, 0.2, 0.1])  # or the test proves nothing
    assert weighted_majority([0, 0, 0, 1, 1, 1], [0.3, 0.2, 0.1, 0.1, 0.2, 0.3]) == 0
    assert weighted_majority([0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.3, 0.3, 0.2, 0.1]) == 0


def test_equal_weights_are_a_majority():
    rng = np.random.default_rng(0)
    for _ in range(50):
        clusters = rng.integers(-1, 3, 7)
        assert weighted_majority(clusters, np.full(7, 0.3)) == majority(clusters)


def test_negative_weights_are_refused():
    with pytest.raises(ValueError, match=r"at least 0, got -0\.5 at index 1; take exp"):
        weighted_majority([0, 1], [0.5, -0.5])


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="one number for each of 2"):
        weighted_majority([0, 1], [0.5])


@pytest.mark.parametrize(
    ("rewards", "expected"),
    [
        ([0.1, 0.9, 0.2], 1),
        ([0.9, 0.9], 0),  # tied: the first
        ([NAN, -3.0], 1),
        ([NAN, -math.inf], 1),  # the worst of rewards is still a reward
        ([NAN, NAN], None),
        ([], None),
    ],
)
def test_best_of_n_by_hand(rewards, expected):
    assert best_of_n(rewards) == expected


def test_mbr_does_not_count_a_sample_as_its_own_reference():
    # means of the others by hand: (0.2 + 0.3) / 2, (0.6 + 0.1) / 2, (0 + 0.1) / 2
    utility = [[0.0, 0.2, 0.3], [0.6, 0.0, 0.1], [0.0, 0.1, 100.0]]
    assert mbr(utility) == 1


def test_mbr_reads_rows_as_hypotheses():
    utility = np.array([[1.0, 0.9, 0.9], [0.1, 1.0, 0.1], [0.2, 0.2, 1.0]])
    assert mbr(utility) == 0
    assert mbr(utility.T) == 1  # columns: 0.15, 0.55, 0.5


@pytest.mark.parametrize(
    ("utility", "expected"),
    [
        ([[1.0]], 0),
        ([[NAN]], 0),  # the diagonal is not read
        ([[1.0, 0.4], [0.4, 1.0]], 0),  # two samples always tie under a symmetric utility
        ([[0.0, 0.1, 0.1], [0.5, 0.0, 0.5], [0.5 + 1e-15, 0.5, 0.0]], 1),  # tied but for rounding
    ],
)
def test_mbr_ties_go_to_the_first(utility, expected):
    assert mbr(utility) == expected


def test_mbr_leaves_its_argument_alone():
    utility = np.eye(3)
    mbr(utility)
    np.testing.assert_array_equal(utility, np.eye(3))


@pytest.mark.parametrize("utility", [np.zeros((0, 0)), np.zeros((2, 3)), np.zeros(4)])
def test_mbr_wants_a_square(utility):
    with pytest.raises(ValueError, match="square matrix of at least one sample"):
        mbr(utility)


def test_mbr_names_the_missing_utility():
    with pytest.raises(ValueError, match=r"utility\[1, 0\] is NaN"):
        mbr([[1.0, 0.5], [NAN, 1.0]])
