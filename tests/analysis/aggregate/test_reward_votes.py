from math import comb

import numpy as np
import pytest
import scorio.aggregate as scorio

from tests.analysis.aggregate.vote_rules import (
    agreement,
    best_answers,
    best_of_majority,
    borda,
    filtered_majority,
    self_consistency_weighted,
)
from workbench.analysis.aggregate import best_of_n, majority, weighted_majority

NAN = float("nan")


def drawn(size, rng):
    """A pool of a known law: (right, clusters, rewards) of one draw.

    Right with 0.3; over-scored wrong answers, all different, of total mass 0.02; else a common
    wrong answer that the reward ranks below the right one.
    """
    kind = rng.choice(3, size=size, p=[0.3, 0.02, 0.68])
    clusters = np.where(kind == 1, np.arange(3, size + 3), kind)
    return kind, clusters, np.array([0.5, 1.0, 0.1])[kind]


@pytest.mark.parametrize(
    ("size", "best_of_n_right", "best_of_majority_right"),
    [(10, 0.796, 0.851), (100, 0.133, 0.9998)],
)
def test_a_worked_number(size, best_of_n_right, best_of_majority_right):
    known = 0.98**size - 0.68**size
    often = sum(comb(size, c) * 0.3**c * 0.7 ** (size - c) for c in range(1, size + 1)
                if c >= 0.15 * size)  # fmt: skip
    assert known == pytest.approx(best_of_n_right, abs=5e-4)
    assert often == pytest.approx(best_of_majority_right, abs=5e-4)
    rng = np.random.default_rng(size)
    right = np.zeros(2)
    for _ in range(4000):
        kind, clusters, rewards = drawn(size, rng)
        picks = best_of_n(rewards), best_of_majority(clusters, rewards, 0.15)
        right += [kind[pick] == 0 for pick in picks]
    for share, chance in zip(right / 4000, (known, often), strict=True):
        assert abs(share - chance) < 4 * np.sqrt(chance * (1 - chance) / 4000) + 1e-3


def test_best_of_majority_by_hand():
    clusters = [3, 7, 3, -1, 7, 9]
    rewards = [0.2, 0.9, 0.4, 1.0, 0.1, 0.8]
    assert best_of_majority(clusters, rewards, 0.3) == 1  # means 0.3 and 0.5; 9 is given once
    assert best_of_majority(clusters, rewards, 1 / 6) == 5
    assert best_of_majority(clusters, rewards, 0.9) == 5  # none so often: all
    assert best_of_majority(clusters, rewards, 0.4) == 1  # 2 of the 5 that answered
    assert best_answers(clusters, rewards, 0.0, 2) == [5, 1]
    assert best_answers(clusters, rewards, 0.3, 9) == [1, 0]


def test_best_of_majority_and_missing_rewards():
    assert best_of_majority([1, 1, 2], [NAN, 0.1, 0.3], 0.5) == 0
    assert best_of_majority([1, 1, 2], [NAN, NAN, 0.3], 0.5) == 2
    assert best_of_majority([1, 1, 2, 2], [NAN, NAN, 0.3, 0.1], 0.5) == 2
    assert best_of_majority([1, 2], [NAN, NAN], 0.5) is None
    assert best_of_majority([-1, -1], [1.0, 2.0], 0.0) is None
    assert best_of_majority([], [], 0.0) is None


def test_best_of_majority_ties_go_to_the_answer_seen_first():
    assert best_of_majority([5, 2, 2, 5], [0.1, 0.3, 0.1, 0.3], 0.5) == 0
    # the same two rewards in another order: equal means up to rounding
    assert best_of_majority([2, 5, 5, 2, 5, 2], [0.1, 0.7, 0.2, 0.2, 0.1, 0.7], 0.5) == 0


def test_a_threshold_that_no_share_reaches_by_rounding_alone_is_reached():
    clusters = [0] * 3 + list(range(1, 18))  # 3 of 20 are 0.15
    assert best_of_majority(clusters, np.ones(20), 0.15) == 0
    assert best_of_majority(clusters, [0.0] * 3 + [1.0] * 17, 0.15) == 0


def test_filtered_votes_by_hand():
    clusters, rewards = [0, 0, 1, 1, -1], [0.1, 0.2, 0.9, 0.3, 1.0]
    ones = np.ones(5)
    assert filtered_majority(clusters, rewards, ones, 1.0) == majority(clusters) == 0
    assert filtered_majority(clusters, rewards, ones, 0.5) == 2  # 0.9 and 0.3 are left
    assert filtered_majority(clusters, rewards, ones, 0.75) == 2  # and 0.2
    assert filtered_majority(clusters, rewards, ones, 0.1) == 2
    assert filtered_majority([-1, -1], [1, 1], [1, 1], 0.1) is None
    assert filtered_majority(clusters, [0.1, 0.2, NAN, NAN, NAN], ones, 0.5) == 1
    assert filtered_majority([1, 2], [NAN, NAN], [1, 1], 0.5) is None


def test_filtered_votes_of_all_are_weighted_votes():
    rng = np.random.default_rng(0)
    for _ in range(200):
        clusters = rng.integers(-1, 3, size=7)
        rewards = np.where(rng.random(7) < 0.2, NAN, rng.integers(0, 4, size=7) / 4)
        found = filtered_majority(clusters, rewards, np.nan_to_num(rewards), 1.0)
        assert found == weighted_majority(clusters, rewards)


def test_ranked_votes_by_hand():
    clusters, rewards = [0, 0, 1, -1, 1], [0.3, 0.31, 0.99, 5.0, NAN]
    # three vote: 0 has 1 + 2 votes, 1 has 3, and 0 is seen first
    assert borda(clusters, rewards, 1.0) == 0
    assert borda(clusters, rewards, 1.1) == 2  # 1 + 2^1.1 < 3^1.1
    assert borda(clusters, rewards, 0.0) == majority([0, 0, 1]) == 0
    assert borda([2, 1], [NAN, NAN], 1.0) is None
    assert borda([-1, 3], [9.0, -9.0], 1.0) == 1
    with pytest.raises(ValueError, match="at least 0, got -1"):
        borda([0], [1.0], -1)


def test_they_are_scorios():
    rng = np.random.default_rng(3)
    for _ in range(500):
        size = int(rng.integers(1, 12))
        clusters, rewards = rng.integers(0, 4, size=size), rng.random(size)
        for share in (0.1, 0.25, 0.5, 1.0):
            found = best_of_majority(clusters, rewards, share)
            assert clusters[found] == scorio.best_of_majority(clusters, rewards, alpha=share)
            found = filtered_majority(clusters, rewards, rewards, share)
            assert clusters[found] == scorio.filtered_vote(clusters, rewards, keep=share)
        for power in (0.0, 0.5, 1.0, 1.2, 9.0):
            found = borda(clusters, rewards, power)
            assert clusters[found] == scorio.rank_weighted_vote(clusters, rewards, p=power)


def test_a_sure_pool_outvotes_a_torn_one_of_any_size():
    torn, sure = [0, 0, 0, 1, 1, 2, 2, 3], [1, 1]
    assert agreement(torn) == 3 / 8
    assert agreement(sure) == 1.0
    assert agreement([-1, -1]) == 0.0
    assert agreement([4, -1]) == 0.5
    assert self_consistency_weighted([torn, sure]) == 1
    assert self_consistency_weighted([torn]) == 0
    assert self_consistency_weighted([[-1], [-1, -1]]) is None
    assert self_consistency_weighted([]) is None
    # 0: 3/8 x 3/8 and 1/2 x 1/2; 1: 3/8 x 2/8 and 1/2 x 1/2
    assert self_consistency_weighted([torn, [0, 1]]) == 0
    assert self_consistency_weighted([torn, [0, 1, 1]]) == 1


@pytest.mark.parametrize("wrong", [-0.1, 1.5])
def test_shares_that_are_none_are_named(wrong):
    with pytest.raises(ValueError, match=str(wrong)):
        best_of_majority([0], [1.0], wrong)
    with pytest.raises(ValueError, match=str(wrong)):
        filtered_majority([0], [1.0], [1.0], wrong)


def test_as_rules_of_the_table_they_go_by_the_settings():
    from workbench.analysis.aggregate import AGGREGATORS
    from workbench.config.schema import Selection
    from workbench.core.types import NOBODY
    from workbench.pools import Pool

    rng = np.random.default_rng(5)
    clusters = rng.integers(-1, 4, size=20)
    rewards = np.where(rng.random(20) < 0.1, NAN, -rng.random(20))
    pool = Pool("p", 1.0, ("t",) * 20, rewards, np.ones(20), (None,) * 20, clusters,
                np.ones(20), ("answered",) * 20, {"likelihood": rewards})  # fmt: skip
    subsets = np.array([rng.permutation(20)[:9] for _ in range(100)])
    majority_rule, filtered = (AGGREGATORS[n].pick for n in ("best_of_majority", "filtered"))
    found = {}
    for threshold, kept in ((0.15, 0.5), (0.4, 0.2)):
        settings = Selection(threshold=threshold, kept=kept)
        picks = majority_rule(pool, subsets, settings), filtered(pool, subsets, settings)
        for members, first, second in zip(subsets, *picks, strict=True):
            own = rewards[members]
            assert first == best_of_majority(clusters[members], own, threshold)
            assert second == filtered_majority(clusters[members], own, np.exp(own), kept)
        found[threshold] = np.stack(picks)
    assert (found[0.15] != found[0.4]).any(axis=1).all()  # the settings matter
    nobody = np.flatnonzero(clusters < 0)[None]
    assert majority_rule(pool, nobody, Selection()).tolist() == [NOBODY]
    assert filtered(pool, nobody, Selection()).tolist() == [NOBODY]
