import math
from itertools import product

import numpy as np
import passk_inference
import pytest
from scipy import stats

from tests.lazily import Lazy
from workbench.analysis.stats.bootstrap import bootstrap_means
from workbench.analysis.stats.paired import (
    FLIPS,
    compare_columns,
    compare_means,
    discovery_rates,
    sign_flip_p,
    simultaneous_band,
)
from workbench.analysis.stats.power import problems_needed, smallest_difference, smallest_effect
from workbench.metrics.passk import pass_at_k

power_of_a_test = Lazy("statsmodels.stats.power")


def rng(seed=0):
    return np.random.default_rng(seed)


def columns(*values):
    return np.array(values, dtype=float).T


def study(problems, studies, source, gain=0.0):
    """(problems, studies) differences in accuracy of two conditions, each a mean over overlapping
    subsets: ten random fours of sixteen samples, right if the majority is."""
    order = source.random((10, 16)).argsort(axis=1)[:, :4]
    easiness = source.normal(0, 1.5, (problems, studies, 1))
    found = []
    for shift in (gain, 0.0):
        chance = 1 / (1 + np.exp(-(easiness + shift)))
        right = source.random((problems, studies, 16)) < chance
        found.append((right[..., order].sum(axis=-1) >= 2).mean(axis=-1))
    return found[0] - found[1]


def test_a_comparison_by_hand():
    # 12 problems: nine alike, three half a point better
    second, first = np.full(12, 0.5), np.r_[np.full(9, 0.5), np.zeros(3)]
    found = compare_means(second, first, rng=rng())
    assert found.value == pytest.approx(1.5 / 12)
    assert found.p == 0.25  # all three the other way, or all as they are: 2 of the 2^3 signs
    assert found.differ == 0.25
    assert found.num_problems == 12
    assert found.sd == pytest.approx(math.sqrt((3 * 0.375**2 + 9 * 0.125**2) / 11))
    assert found.smallest == pytest.approx(smallest_effect(12) * found.sd)
    assert found.needed == problems_needed(0.125, found.sd)


def test_signs_are_enumerated_by_hand():
    # 3 + 2 + 1 = 6 is reached by two of eight choices of signs; 3 + 2 - 1 = 4 by four
    p = sign_flip_p(columns([3, 2, 1], [3, 2, -1], [0, 0, 0]), rng=rng())
    assert p.tolist() == [2 / 8, 4 / 8, 1.0]


def test_a_column_with_few_problems_is_enumerated_among_others_with_many():
    values = rng(20).normal(0.5, 1, (40, 4))
    values[9:, 1] = values[11:, 3] = np.nan
    found = sign_flip_p(values, rng=rng(5))
    assert found[1] == sign_flip_p(values[:9, [1]], rng=rng())[0]
    assert found[3] == sign_flip_p(values[:11, [3]], rng=rng())[0]
    np.testing.assert_array_equal(found[[0, 2]], sign_flip_p(values[:, [0, 2]], rng=rng(5)))
    assert sign_flip_p(np.empty((40, 0)), rng=rng()).shape == (0,)
    # five problems have 32 choices: enumerated when 32 are allowed, and drawn when 31 are
    assert sign_flip_p(np.ones((5, 1)), flips=32, rng=rng())[0] == 2 / 32
    assert 32 * sign_flip_p(np.ones((5, 1)), flips=31, rng=rng())[0] % 1 == 0
    assert sign_flip_p(np.ones((2000, 1)), flips=99, rng=rng())[0] == 0.01  # 2^2000 is too large


def test_columns_are_judged_a_few_at_a_time(monkeypatch):
    values = rng(21).normal(0.2, 1, (30, 7))
    whole = sign_flip_p(values, flips=200, rng=rng())
    monkeypatch.setattr(
        "workbench.analysis.stats.paired.MOST_CELLS", 300
    )  # ten choices, or three columns of them
    np.testing.assert_array_equal(whole, sign_flip_p(values, flips=200, rng=rng()))


def test_few_problems_are_enumerated_as_scipy_does():
    source = rng(1)
    values = source.normal(0.4, 1, (12, 5))
    values[:, 3] = source.integers(-1, 2, 12) / 10  # ties, which rounding must not break
    values[:, 4] = 0.1
    for column, p in zip(values.T, sign_flip_p(values, rng=rng()), strict=True):
        test = stats.permutation_test(
            (column,), np.mean, permutation_type="samples", n_resamples=np.inf, axis=0
        )
        assert p == pytest.approx(test.pvalue)
        brute = [
            abs(np.dot(signs, column)) >= abs(column.sum()) - 1e-9
            for signs in product((-1, 1), repeat=12)
        ]
        assert p == pytest.approx(np.mean(brute))


def test_many_problems_are_flipped_at_random_as_scipy_does():
    values = rng(2).normal(0.2, 1, (60, 1))
    test = stats.permutation_test(
        (values[:, 0],), lambda x, axis: x.mean(axis=axis), permutation_type="samples",
        n_resamples=FLIPS, rng=rng(5),
    )  # fmt: skip
    p = sign_flip_p(values, rng=rng())[0]
    assert 0.02 < p < 0.5
    assert p == pytest.approx(test.pvalue, abs=5 * math.sqrt(2 * p / FLIPS))


def test_p_is_never_zero():
    assert sign_flip_p(np.ones((60, 1)), rng=rng())[0] == 1 / (FLIPS + 1)


def test_flips_in_blocks_are_the_same_flips(monkeypatch):
    values = rng(3).normal(0.1, 1, (30, 2))
    whole = sign_flip_p(values, flips=500, rng=rng())
    monkeypatch.setattr("workbench.analysis.stats.paired.MOST_CELLS", 30 * 8)  # 8 flips at a time
    np.testing.assert_array_equal(whole, sign_flip_p(values, flips=500, rng=rng()))


def test_a_problem_without_one_of_the_values_is_left_out():
    source = rng(4)
    second, first = source.random((2, 13))
    holed = np.r_[second, np.nan, 0.5], np.r_[first, 0.5, np.nan]
    alone, found = (
        compare_means(*pair, resamples=500, rng=rng()) for pair in ((second, first), holed)
    )
    assert found.num_problems == alone.num_problems == 13
    assert (found.value, found.sd, found.differ) == (alone.value, alone.sd, alone.differ)
    assert found.p == pytest.approx(alone.p, abs=0.03)  # 2^15 signs are drawn, 2^13 tried


def test_all_columns_are_judged_as_each_alone():
    values = rng(5).normal(0.2, 0.4, (25, 3))
    together = compare_columns(values, rng=rng())
    for column in range(3):
        alone = compare_means(values[:, column], np.zeros(25), rng=rng())
        assert alone.p == together[column].p
        assert alone.low == pytest.approx(together[column].low)
    interval = bootstrap_means(values, np.arange(25), rng=rng())
    assert [found.high for found in together] == pytest.approx(interval.high.tolist())


def test_the_other_way_round_is_the_mirror_image():
    second, first = rng(6).random((2, 40))
    found = compare_means(second, first, rng=rng())
    mirrored = compare_means(first, second, rng=rng())
    assert (mirrored.value, mirrored.p) == (pytest.approx(-found.value), found.p)
    assert (mirrored.low, mirrored.high) == (pytest.approx(-found.high), pytest.approx(-found.low))


def test_below_ten_problems_there_is_no_interval_and_no_p():
    nine = compare_means(np.ones(9), np.zeros(9), rng=rng())
    assert nine.value == 1.0
    assert np.isnan([nine.low, nine.high, nine.p, nine.smallest]).all()
    one = compare_means([1.0], [0.0], rng=rng())
    assert np.isnan([one.sd, one.needed]).all()
    none = compare_means([np.nan], [0.0], rng=rng())
    assert none.num_problems == 0
    assert np.isnan([none.value, none.differ]).all()


def test_nothing_differs():
    found = compare_means(np.ones(20), np.ones(20), rng=rng())
    assert (found.value, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)
    assert math.isnan(found.smallest)
    assert found.needed == math.inf


def test_all_right_against_all_wrong():
    found = compare_means(np.ones(20), np.zeros(20), rng=rng())
    assert (found.value, found.low, found.high, found.p) == (1.0, 1.0, 1.0, 1 / (FLIPS + 1))
    assert found.needed == 10


@pytest.mark.parametrize(
    ("second", "first", "message"),
    [
        ([1.0, 2.0], [1.0], r"got shapes \(2,\) and \(1,\)"),
        ([[1.0]], [[1.0]], "one value per problem"),
        ([1.0, np.inf], [0.0, 0.0], "infinite at row 1"),
    ],
)
def test_what_cannot_be_paired_is_refused(second, first, message):
    with pytest.raises(ValueError, match=message):
        compare_means(second, first, rng=rng())


def test_in_a_world_without_difference_five_in_a_hundred_are_rejected():
    found = compare_columns(study(50, 2000, rng(7)), resamples=1000, rng=rng(8))
    assert 0.03 < np.mean([pair.p < 0.05 for pair in found]) < 0.07
    assert 0.92 < np.mean([pair.low <= 0 <= pair.high for pair in found]) < 0.97


def test_intervals_cover_a_true_difference():
    truth = study(400, 500, rng(9), gain=0.7).mean()
    assert truth > 0.03  # or there is nothing to cover
    found = compare_columns(study(50, 2000, rng(10), gain=0.7), resamples=1000, rng=rng(8))
    assert 0.92 < np.mean([pair.low <= truth <= pair.high for pair in found]) < 0.97


def test_false_discoveries_by_hand():
    # sorted 0.01 0.02 0.03 0.5, times 4/rank: 0.04 0.04 0.04 0.5
    q = discovery_rates([0.03, np.nan, 0.01, 0.5, 0.02])
    np.testing.assert_allclose(q, [0.04, np.nan, 0.04, 0.5, 0.04])
    assert discovery_rates([]).shape == (0,)
    assert np.isnan(discovery_rates([np.nan])).all()


def test_the_smallest_effect_has_the_power_it_says():
    for problems in (20, 60):
        seen = rng(11).normal(smallest_effect(problems), 1, (problems, 1500))
        power = (sign_flip_p(seen, flips=999, rng=rng()) < 0.05).mean()
        assert power == pytest.approx(0.8, abs=0.045)  # 4 standard errors
    by_hand = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) / math.sqrt(2000)
    assert smallest_effect(2000) == pytest.approx(by_hand, rel=1e-3)


def test_as_many_problems_as_are_needed_just_see_the_difference():
    assert problems_needed(0.1, 0.25) == 52  # (1.96 + 0.84)^2 / 0.4^2 = 49.1, and 2 for t
    for effect in (0.05, 0.2, 0.6):
        needed = problems_needed(-effect, 1.0)
        assert smallest_effect(needed) <= effect < smallest_effect(needed - 1)
    assert problems_needed(0.0, 0.3) == math.inf
    assert problems_needed(0.5, 0.1) == problems_needed(0.5, 0.0) == 10
    assert math.isnan(problems_needed(0.5, math.nan))


@pytest.mark.parametrize("problems", [10, 11, 37, 500, 20_000])
def test_the_smallest_effect_has_80_percent_power_by_statsmodels(problems):
    power = power_of_a_test.TTestPower().power(smallest_effect(problems), problems, 0.05)
    assert power == pytest.approx(0.8, abs=1e-7)


def test_what_a_planned_study_sees_it_sees():
    size = smallest_difference(100, 0.2)
    effect = smallest_effect(100)
    assert size == pytest.approx(effect * math.sqrt(0.2 - size**2))  # d / sd is the effect
    chances = [(0.2 - size) / 2, 0.8, (0.2 + size) / 2]
    seen = rng(12).choice([-1.0, 0.0, 1.0], p=chances, size=(100, 1500))
    power = (sign_flip_p(seen, flips=999, rng=rng()) < 0.05).mean()
    assert power == pytest.approx(0.8, abs=0.06)  # few values: p takes steps
    assert math.isnan(smallest_difference(20, 0.1))  # two problems of twenty show nothing
    assert math.isnan(smallest_difference(9, 1.0))
    with pytest.raises(ValueError, match="share above 0 and up to 1, got 10"):
        smallest_difference(100, 10)


def test_the_band_is_that_of_passk_inference():
    source = rng(13)
    n = source.integers(16, 25, 70)
    base, other = source.binomial(n, source.beta(0.5, 1, 70)), source.binomial(n, 0.4)
    ks = [1, 2, 4, 8, 16]
    theirs = passk_inference.compare(base, n, other, n, ks=ks, bootstrap=3000, seed=3)
    gaps = np.column_stack([pass_at_k(n, other, k) - pass_at_k(n, base, k) for k in ks])
    band = simultaneous_band(gaps, resamples=3000, rng=rng(3))
    np.testing.assert_allclose(band.value, theirs["mean"], atol=1e-12)
    np.testing.assert_allclose(band.low, theirs["lower"], atol=1e-12)
    np.testing.assert_allclose(band.high, theirs["upper"], atol=1e-12)
    assert band.critical == pytest.approx(theirs["critical_value"])
    assert band.critical > 2.1  # wider than 1.96, or one k at a time would do


def test_a_point_where_all_problems_differ_alike_may_be_anything():
    varied, level = rng(14).uniform(-0.5, 0.5, (20, 2)), np.full((20, 1), 0.25)
    band = simultaneous_band(np.hstack([varied, level]), rng=rng())
    assert (band.value[2], band.low[2], band.high[2]) == (0.25, -1.0, 1.0)
    alone = simultaneous_band(varied, rng=rng())
    np.testing.assert_array_equal(band.low[:2], alone.low)  # and it widens nothing else
    same = passk_inference.compare([1] * 20, 4, [3] * 20, 4)
    assert (same["lower"], same["upper"]) == ([-1.0] * 4, [1.0] * 4)
    nothing = simultaneous_band(level, rng=rng())
    assert (nothing.low, nothing.high) == (-1.0, 1.0)


def test_a_band_uses_the_problems_that_each_point_has():
    values = rng(15).uniform(-0.5, 0.5, (30, 3))
    values[:8, 1] = np.nan
    values[:21, 2] = np.nan  # nine are left
    band = simultaneous_band(values, rng=rng())
    known = values[8:, 1]
    assert band.value[1] == pytest.approx(known.mean())
    error = known.std(ddof=1) / math.sqrt(22)
    assert band.high[1] - band.value[1] == pytest.approx(band.critical * error)
    assert np.isnan([band.low[2], band.high[2]]).all()
    assert band.value[2] == pytest.approx(values[21:, 2].mean())
    assert np.isnan(simultaneous_band(values[:8], rng=rng()).low).all()


def test_a_band_holds_the_whole_curve_as_often_as_it_says():
    source, together, alone = rng(16), 0, 0
    for _ in range(400):
        gaps = source.normal(0, 0.1, (60, 1)) + source.normal(0, 0.15, (60, 6))
        band = simultaneous_band(np.clip(gaps, -1, 1), resamples=500, rng=source)
        together += bool(((band.low <= 0) & (band.high >= 0)).all())
        reach = (band.high - band.value) * 1.96 / band.critical
        alone += bool((np.abs(band.value) <= reach).all())
    assert 0.90 < together / 400 < 0.985
    assert alone < together - 20  # intervals for each point alone do not hold the whole curve


def test_a_bands_confidence_and_resamples_are_used():
    values = rng(17).uniform(-0.5, 0.5, (40, 4))
    wide = simultaneous_band(values, confidence=0.99, rng=rng())
    assert wide.critical > simultaneous_band(values, confidence=0.5, rng=rng()).critical
    assert (
        wide.critical != simultaneous_band(values, confidence=0.99, resamples=9, rng=rng()).critical
    )
    with pytest.raises(ValueError, match="between 0 and 1, got 95"):
        simultaneous_band(values, confidence=95, rng=rng())
    with pytest.raises(ValueError, match=r"lie in \[-1, 1\], got 100"):
        simultaneous_band(values * 0 + 100, rng=rng())
