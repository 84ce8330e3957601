"""Rewards of two attempts -> advantages, by hand and by properties that must hold."""

import itertools

import numpy as np
import pytest

from workbench.correction_training.advantages import (
    leave_one_out,
    shaped_rewards,
    turn_advantages,
)

NAN = float("nan")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (0.0, 1.0, 11.0),  # 1 + 10 (1 - 0): a wrong answer became right
        (1.0, 0.0, -10.0),  # 0 + 10 (0 - 1): a right one became wrong
        (1.0, 1.0, 1.0),
        (0.0, 0.0, 0.0),
        (0.25, 0.75, 5.75),  # partial rewards: 0.75 + 10 * 0.5
    ],
)
def test_the_bonus_by_hand(first, second, expected):
    assert shaped_rewards(np.array(first), np.array(second), alpha=10) == pytest.approx(expected)


def test_a_pair_beside_one_that_earned_nothing_has_its_whole_reward_as_advantage():
    first, second = np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([[1.0, 0.0], [0.0, 0.0]])
    found = turn_advantages(first, second, stage=2, alpha=10)
    assert found.second.tolist() == [[11.0, -11.0], [-10.0, 10.0]]
    assert found.first.tolist() == [[0.0, 0.0], [1.0, -1.0]]


def test_the_baseline_is_the_mean_of_the_others():
    rewards = np.random.default_rng(1).random((5, 4))
    found = leave_one_out(rewards)
    for problem in range(5):
        for place in range(4):
            others = np.delete(rewards[problem], place)
            assert found[problem, place] == pytest.approx(rewards[problem, place] - others.mean())
    np.testing.assert_allclose(found.sum(axis=1), 0, atol=1e-12)


@pytest.mark.parametrize(
    ("rewards", "expected"),
    [
        ([[1, NAN, 0]], [[1, 0, -1]]),  # what is unknown is in no baseline
        ([[NAN, 1, NAN]], [[0, 0, 0]]),  # nothing to compare it with
        ([[1, 1, 1]], [[0, 0, 0]]),  # all equal: nothing to learn
    ],
)
def test_what_is_unknown_has_no_say(rewards, expected):
    assert leave_one_out(np.array(rewards, dtype=float)).tolist() == expected


@pytest.mark.parametrize("stage", [1, 2])
def test_first_attempts_never_hear_of_the_bonus_or_of_second_ones(stage):
    rng = np.random.default_rng(2)
    first = rng.integers(0, 2, (6, 4)).astype(float)
    one, other = (rng.integers(0, 2, (6, 4)).astype(float) for _ in range(2))
    calm = turn_advantages(first, one, stage=stage, alpha=0)
    bold = turn_advantages(first, other, stage=stage, alpha=10)
    np.testing.assert_array_equal(calm.first, bold.first)
    assert not np.array_equal(calm.second, bold.second)  # or nothing was changed


def test_in_stage_one_no_reward_moves_the_first_attempt():
    first, second = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
    found = turn_advantages(first, second, stage=1, alpha=10)
    assert found.first.tolist() == [[0.0, 0.0]]
    assert found.second.tolist() == [[-1.0, 1.0]]  # without a bonus
    assert not found.nothing_to_learn
    assert turn_advantages(first, second * 0, stage=1, alpha=10).nothing_to_learn


@pytest.mark.parametrize("alpha", [1.0, 10.0])
def test_the_bonus_adds_weight_but_no_direction_to_what_second_attempts_learn(alpha):
    """All draws of two pairs from a tiny policy: the expected gradient is 1 + alpha times as long.

    The first reward is not the second attempt's doing: in its shaped reward it is another baseline.
    So what the bonus changes is how much second attempts weigh beside first ones and the KL.
    """
    rng = np.random.default_rng(4)
    begin, after = rng.dirichlet([1, 1]), rng.dirichlet([1, 1, 1], 2)  # y1 and then y2, given y1
    first, second = np.array([0.0, 1.0]), rng.integers(0, 2, (2, 3)).astype(float)
    pairs = [(one, two) for one in range(2) for two in range(3)]

    def expected(weight):
        gradient = np.zeros((2, 3))  # of the logits of y2, given y1
        for drawn in itertools.product(pairs, repeat=2):
            chance = np.prod([begin[one] * after[one, two] for one, two in drawn])
            rewards = [np.array([[table(*pair) for pair in drawn]]) for table in tables]
            found = turn_advantages(*rewards, stage=2, alpha=weight).second[0]
            for (one, two), advantage in zip(drawn, found, strict=True):
                gradient[one] += chance * advantage * (np.eye(3)[two] - after[one])
        return gradient

    tables = (lambda one, two: first[one], lambda one, two: second[one, two])
    plain = expected(0.0)
    assert np.abs(plain).max() > 0.01
    np.testing.assert_allclose(expected(alpha), (1 + alpha) * plain, atol=1e-9)
