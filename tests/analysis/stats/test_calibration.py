import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from workbench.analysis.stats.calibration import (
    auroc,
    average_precision,
    bin_numbers,
    brier,
    calibration_error,
    ranking_accuracy,
    reward_samples,
)


def study(problems=40, samples=12, signal=1.0, spread=0.0, seed=0):
    """Rewards that tell right from wrong by ``signal`` and hard problems by ``spread``."""
    rng = np.random.default_rng(seed)
    ease = rng.normal(size=problems)
    labels = np.repeat(np.arange(problems), samples)
    correct = (rng.random(len(labels)) < 1 / (1 + np.exp(-ease[labels]))).astype(float)
    rewards = signal * correct + spread * ease[labels] + rng.normal(size=len(labels))
    return np.round(rewards, 1), correct, labels  # rounded: ties


def test_the_areas_are_scikit_learns():
    for seed in range(20):
        rewards, correct, labels = study(seed=seed)
        samples = reward_samples(rewards, correct, labels)
        assert auroc(samples).value == pytest.approx(roc_auc_score(correct, rewards), abs=1e-12)
        assert average_precision(samples).value == pytest.approx(
            average_precision_score(correct, rewards), abs=1e-12
        )


def test_the_brier_score_is_scikit_learns():
    rewards, correct, labels = study()
    chances = 1 / (1 + np.exp(-rewards))
    found = brier(reward_samples(chances, correct, labels)).value
    assert found == pytest.approx(brier_score_loss(correct, chances), abs=1e-12)


def test_the_calibration_error_by_hand():
    # bins 0.2 to 0.3: mean 0.25, half right; 0.9 to 1: mean 0.95, none right
    samples = reward_samples([0.2, 0.299999, 0.9, 1.0], [1, 0, 0, 0], list("abcd"))
    expected = 0.5 * abs(0.2499995 - 0.5) + 0.5 * 0.95
    assert calibration_error(samples).value == pytest.approx(expected, abs=1e-12)
    assert bin_numbers(np.array([0.0, 0.1, 0.999, 1.0])).tolist() == [0, 1, 9, 9]


def test_a_reward_that_says_how_often_it_is_right_has_a_small_calibration_error():
    rng = np.random.default_rng(0)
    chances = rng.random(100_000)
    correct = rng.random(100_000) < chances
    samples = reward_samples(chances, correct, np.arange(100_000) // 100)
    assert calibration_error(samples).value < 0.01
    assert calibration_error(reward_samples(1 - chances, correct, np.arange(100_000))).value > 0.4


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=2, max_size=12))
def test_ranking_accuracy_counts_pairs(pool):
    good = [r for r, right in pool if right]
    bad = [r for r, right in pool if not right]
    found = ranking_accuracy([r for r, _ in pool], [right for _, right in pool])
    if good and bad:
        pairs = [(g > b) + (g == b) / 2 for g in good for b in bad]
        assert found == pytest.approx(np.mean(pairs), abs=1e-12)
    else:
        assert np.isnan(found)


def test_unknown_samples_are_left_out():
    rewards, correct = [3.0, 2.0, np.nan, 1.0, 5.0], [1, 0, 0, np.nan, 1]
    assert ranking_accuracy(rewards, correct) == 1.0
    assert len(reward_samples(rewards, correct, list("aabbb"))) == 3


def test_difficulty_alone_raises_the_area_but_not_the_ranking_within_problems():
    rewards, correct, labels = study(problems=200, signal=0.0, spread=3.0)
    assert auroc(reward_samples(rewards, correct, labels)).value > 0.6
    within = [ranking_accuracy(rewards[labels == p], correct[labels == p]) for p in range(200)]
    assert abs(np.nanmean(within) - 0.5) < 0.04


def test_intervals_do_not_depend_on_how_often_rows_are_repeated():
    rewards, correct, labels = study()
    chances = 1 / (1 + np.exp(-rewards))
    once = reward_samples(chances, correct, labels)
    thrice = reward_samples(np.tile(chances, 3), np.tile(correct, 3), np.tile(labels, 3))
    for statistic in (auroc, average_precision, brier, calibration_error):
        first, second = statistic(once), statistic(thrice)
        assert first.low < first.value < first.high
        assert second.low == pytest.approx(first.low, abs=1e-9)
        assert second.high == pytest.approx(first.high, abs=1e-9)


def test_the_interval_of_an_area_covers_and_its_test_keeps_its_level():
    held = rejected = 0
    truth = roc_auc_score(*study(problems=20_000, seed=99)[1::-1])
    for seed in range(200):
        rewards, correct, labels = study(problems=50, seed=seed)
        found = auroc(reward_samples(rewards, correct, labels))
        held += found.low <= truth <= found.high
        chance = auroc(reward_samples(*study(problems=50, signal=0.0, seed=seed)))
        rejected += chance.p < 0.05
    assert 182 <= held <= 198  # 95 % of 200, ± 3 standard errors
    assert rejected <= 20


def test_many_problems_are_left_out_in_groups():
    samples = reward_samples(*study(problems=1000, samples=2))
    assert samples.groups.max() == 199
    found = auroc(samples)
    assert 0 < found.high - found.low < 0.2


def test_nothing_to_tell_apart_is_said():
    for correct in ([1, 1, 1], [0, 0, 0]):
        found = auroc(reward_samples([1.0, 2.0, 3.0], correct, list("abc")))
        assert np.isnan([found.value, found.low, found.high]).all()
    assert np.isnan(average_precision(reward_samples([1.0, 2.0], [0, 0], list("ab"))).value)
    assert np.isnan(auroc(reward_samples([], [], [])).value)
    few = auroc(reward_samples([1.0, 2.0], [0, 1], list("ab")))
    assert few.value == 1.0
    assert np.isnan(few.low)


def test_lengths_that_differ_are_named():
    with pytest.raises(ValueError, match=r"\(2,\), \(1,\) and \(2,\)"):
        reward_samples([1.0, 2.0], [1], [0, 0])
