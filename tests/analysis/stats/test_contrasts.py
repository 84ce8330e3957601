import numpy as np
import pytest
from scipy import stats

from workbench.analysis.stats.contrasts import judge_contrasts
from workbench.analysis.stats.paired import sign_flip_p


def rng(seed=0):
    return np.random.default_rng(seed)


def test_intervals_are_those_of_scipy_s_paired_t_test():
    values = rng(1).normal(0.2, 1, (40, 3))
    values[5:9, 1] = np.nan
    found = judge_contrasts(values, confidence=0.9, rng=rng())
    assert found.num_problems.tolist() == [40, 36, 40]
    for column in range(3):
        known = values[:, column][~np.isnan(values[:, column])]
        limits = stats.ttest_1samp(known, 0).confidence_interval(0.9)
        assert found.value[column] == pytest.approx(known.mean())
        assert (found.low[column], found.high[column]) == pytest.approx((limits.low, limits.high))
    np.testing.assert_array_equal(found.p, sign_flip_p(values, rng=rng()))


def test_few_problems_have_a_mean_and_no_interval():
    values = np.full((12, 3), 0.5)
    values[9:, 0] = values[:, 1] = np.nan
    found = judge_contrasts(values, rng=rng())
    assert found.value[[0, 2]].tolist() == [0.5, 0.5]
    assert np.isnan(found.value[1])
    assert np.isnan([found.low[0], found.high[0], found.p[0], found.p[1], found.low[1]]).all()
    # twelve equal differences say nothing of those that would not be equal
    assert found.low[2] == found.high[2] == 0.5
    assert judge_contrasts(np.empty((12, 0)), rng=rng()).value.shape == (0,)


def test_nothing_at_all_is_no_effect():
    found = judge_contrasts(np.zeros((12, 1)), rng=rng())
    assert (found.value[0], found.low[0], found.high[0], found.p[0]) == (0, 0, 0, 1)


def test_what_has_no_mean_is_refused():
    with pytest.raises(ValueError, match="infinite at row 3, column 0"):
        judge_contrasts(np.array([[0.0], [1.0], [1.0], [np.inf]]), rng=rng())
    with pytest.raises(ValueError, match="between 0 and 1, got 95"):
        judge_contrasts(np.zeros((12, 1)), confidence=95, rng=rng())
