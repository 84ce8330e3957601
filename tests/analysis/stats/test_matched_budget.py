import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workbench.analysis.stats.bootstrap import Resamples, bootstrap_means
from workbench.analysis.stats.matched_budget import Costs, matched_budget
from workbench.metrics.passk import pass_at_k

N = 8
SIZES = list(range(1, N + 1))


def rng(seed=0):
    return np.random.default_rng(seed)


def study(problems=40, conditions=3, seed=1):
    """Coverage of pools of right and wrong samples, whose lengths go with the difficulty."""
    source = rng(seed)
    easiness = source.normal(0, 1.5, (problems, 1))
    right = source.binomial(N, 1 / (1 + np.exp(-easiness + np.zeros(conditions))))
    curves = np.array([[[pass_at_k(N, c, k) for k in SIZES] for c in row] for row in right])
    lengths = np.exp(source.normal(0, 0.4, right.shape) - 0.3 * easiness)
    lengths *= 50 * (1 + 0.7 * np.arange(conditions))
    fixed = np.repeat(source.integers(10, 60, (problems, 1)), conditions, axis=1).astype(float)
    return curves, Costs(lengths, fixed)


def compare(curves, costs, budgets, sizes=SIZES, resamples=200, **settings):
    weights = Resamples(len(curves), resamples, 0)
    return matched_budget(curves, sizes, costs, budgets, weights=weights, rng=rng(), **settings)


def outcome_by_hand(shares, curves, costs, budget, condition):
    """Weigh the problems, and read the mean curve at what the mean costs afford."""
    per_sample, fixed = (shares @ part[:, condition] for part in (costs.per_sample, costs.fixed))
    return np.interp((budget - fixed) / per_sample, SIZES, shares @ curves[:, condition])


def test_equal_cost_by_hand():
    # mean costs: 10 a sample and 4 in all; 25 a sample and nothing in all
    costs = Costs(np.array([[8.0, 20.0], [12.0, 30.0]]), np.array([[6.0, 0.0], [2.0, 0.0]]))
    assert [part.tolist() for part in costs.means] == [[10, 25], [4, 0]]
    assert costs.budgets([1, 2]).tolist() == [25, 50]
    assert costs.affordable(np.array([25.0, 50.0])).tolist() == [[2.1, 1.0], [4.6, 2.0]]
    curves = np.array([[[0.1, 0.2, 0.4], [0.5, 0.6, 0.6]], [[0.3, 0.6, 0.8], [0.7, 0.8, 1.0]]])
    found = compare(curves, costs, costs.budgets([1, 2]), [1, 2, 3])
    assert found["budget"].tolist() == [25, 25, 50, 50]
    assert found["condition"].tolist() == [0, 1, 0, 1]
    first, second, beyond, alone = found.to_dict("records")
    # 2.1 samples: nine tenths of the mean at 2 and a tenth of that at 3
    assert first["mean"] == pytest.approx(0.9 * 0.4 + 0.1 * 0.6)
    assert second["mean"] == pytest.approx(0.6)
    assert second["difference"] == pytest.approx(0.6 - 0.42)
    assert np.isnan(first["difference"])
    # 4.6 samples are more than there are: nothing to read, and nothing to compare with
    assert np.isnan(beyond["mean"])
    assert alone["mean"] == pytest.approx(0.7)
    assert np.isnan(alone["difference"])
    assert [row["problems"] for row in (first, second, beyond, alone)] == [2, 2, 0, 2]
    assert found[["mean_low", "difference_low", "difference_p"]].isna().all(axis=None)


def test_a_real_number_of_samples_is_drawing_one_more_for_some_of_the_problems():
    curves, costs = study()
    budget = costs.budgets([3])
    found = compare(curves, costs, budget)
    source, samples = rng(5), costs.affordable(budget)[0]
    for condition, k in enumerate(samples):
        more = source.random((4000, len(curves))) < k % 1
        drawn = curves[np.arange(len(curves)), condition, int(k) - 1 + more].mean()
        assert found["mean"][condition] == pytest.approx(drawn, abs=0.002)
    assert samples.max() > 5
    assert samples.min() == pytest.approx(3)


@pytest.mark.parametrize("samples", [2.3, 2])
def test_the_interval_is_that_of_the_linearised_difference(samples):
    """The slope by each problem's weight, taken numerically: the infinitesimal jackknife.

    The dearest condition affords just two samples, where its curve has a corner, and slopes are
    the mean of both sides, or a real number of them.
    """
    curves, costs = study()
    budget = costs.budgets([samples])[0]
    found = compare(curves, costs, np.array([budget]))
    even, step = np.full(40, 1 / 40), 1e-6
    for condition in (1, 2):

        def gap(shares, condition=condition):
            first, second = (
                outcome_by_hand(shares, curves, costs, budget, c) for c in (0, condition)
            )
            return second - first

        ways = [step * (np.eye(40)[p] - even) for p in range(40)]
        influence = [(gap(even + way) - gap(even - way)) / (2 * step) for way in ways]
        error = np.std(influence, ddof=1) / np.sqrt(40)
        row = found.loc[condition]
        assert row["difference"] == pytest.approx(gap(even))
        reach = stats.t.ppf(0.975, 39) * error
        assert row["difference_high"] - row["difference"] == pytest.approx(reach, rel=1e-4)
        # costs that are estimated matter: to take them for known would give another interval
        known = [
            [np.interp(k, SIZES, curve) for curve in curves[:, place]]
            for place, k in ((0, found["samples"][0]), (condition, row["samples"]))
        ]
        plain = stats.t.ppf(0.975, 39) * np.std(np.subtract(*known), ddof=1) / np.sqrt(40)
        assert reach != pytest.approx(plain, rel=0.02)


def test_it_agrees_with_resamples_that_average_costs_anew():
    curves, costs = study(problems=300)
    budget = costs.budgets([2.5])
    found = compare(curves, costs, budget, resamples=2000)
    drawn = rng(3).multinomial(300, np.full(300, 1 / 300), 2000) / 300
    for condition in (0, 1, 2):
        values = [outcome_by_hand(w, curves, costs, budget[0], condition) for w in drawn]
        row = found.loc[condition]
        low, high = np.quantile(values, [0.025, 0.975])
        assert (row["mean_low"], row["mean_high"]) == pytest.approx((low, high), abs=0.004)
        if condition:
            base = [outcome_by_hand(w, curves, costs, budget[0], 0) for w in drawn]
            sd = np.std(np.subtract(values, base))
            reach = (row["difference_high"] - row["difference_low"]) / 2
            assert reach == pytest.approx(1.968 * sd, rel=0.06)


def test_equal_costs_compare_equal_numbers_of_samples():
    curves, _ = study()
    costs = Costs(np.full((40, 3), 7.0), np.zeros((40, 3)))
    found = compare(curves, costs, costs.budgets([4])).set_index("condition")
    assert found["samples"].tolist() == [4, 4, 4]
    expected = bootstrap_means(curves[:, 1, 3], range(40), resamples=200, rng=rng())
    got = found.loc[1, ["mean", "mean_low", "mean_high"]].tolist()
    assert got == pytest.approx([expected.value[0], expected.low[0], expected.high[0]])
    limits = stats.ttest_rel(curves[:, 2, 3], curves[:, 0, 3]).confidence_interval()
    got = found.loc[2, ["difference_low", "difference_high"]].tolist()
    assert got == pytest.approx([limits.low, limits.high])


def test_sizes_may_lie_apart_and_unneeded_ones_may_be_unknown():
    curves, costs = study()
    budget = np.array([costs.means[1][0] + 3 * costs.means[0][0]])  # 3 samples of the first
    few = compare(curves[:, :, [1, 3, 7]], costs, budget, [2, 4, 8])
    assert few["mean"][0] == pytest.approx(curves[:, 0, [1, 3]].mean())
    gaps = curves.copy()
    gaps[:4, 0, [1, 3]] = np.nan  # the sizes on both sides
    whole, part = compare(curves, costs, budget), compare(gaps, costs, budget)
    assert part["mean"][0] == pytest.approx(whole["mean"][0])
    assert part["problems"].tolist() == whole["problems"].tolist()
    gaps[:4, 0, 2] = np.nan
    part = compare(gaps, costs, budget)
    assert part["left_out"].tolist() == [4, 4, 4]  # all are compared with it
    assert part["mean"][0] == pytest.approx(curves[4:, 0, 2].mean())


def test_problems_of_unknown_cost_are_left_out_of_all_of_it():
    curves, costs = study()
    lengths = costs.per_sample.copy()
    lengths[[2, 9], [0, 1]] = np.nan
    some = Costs(lengths, costs.fixed)
    rest = np.setdiff1d(np.arange(40), [2, 9])
    without = Costs(costs.per_sample[rest], costs.fixed[rest])
    budgets = some.budgets([2, 3])
    assert budgets.tolist() == pytest.approx(without.budgets([2, 3]).tolist())
    found, expected = compare(curves, some, budgets), compare(curves[rest], without, budgets)
    assert (found["left_out"] == 2).all()
    same = ["samples", "problems", "mean", "difference", "difference_low"]
    pd.testing.assert_frame_equal(found[same], expected[same])


def test_a_condition_without_known_costs_is_not_compared():
    curves, costs = study()
    lengths = costs.per_sample.copy()
    lengths[:, 1] = np.nan
    some = Costs(lengths, costs.fixed)
    found = compare(curves, some, some.budgets([3]))
    assert found["samples"].isna().tolist() == [False, True, False]
    assert found["problems"].tolist() == [40, 0, 40]
    nothing = Costs(np.full((40, 3), np.nan), costs.fixed)
    found = compare(curves, nothing, nothing.budgets([3]))
    assert found[["budget", "samples", "mean", "difference"]].isna().all(axis=None)


def test_one_size_leaves_nothing_to_read_between_and_free_samples_have_no_end():
    curves, costs = study()
    found = compare(curves[:, :, [3]], costs, costs.budgets([4]), [4])
    assert found["mean"].isna().all()
    free = Costs(costs.per_sample * [0, 1, 1], costs.fixed)
    assert free.affordable(free.budgets([2]))[0, 0] == np.inf
    assert compare(curves, free, free.budgets([2]))["mean"].isna().tolist() == [True, False, False]


def test_the_order_of_conditions_and_the_unit_of_cost_do_not_matter():
    curves, costs = study()
    budgets = costs.budgets([2, 3])
    order = [2, 0, 1]
    moved = Costs(costs.per_sample[:, order] * 3, costs.fixed[:, order] * 3)
    one = compare(curves, costs, budgets)
    other = compare(curves[:, order], moved, budgets * 3, reference=1)
    other["condition"] = other["condition"].map(dict(enumerate(order)))
    other = other.sort_values(["budget", "condition"], ignore_index=True)
    shown = one.columns.drop("budget")
    pd.testing.assert_frame_equal(one[shown], other[shown], check_dtype=False)


def test_what_does_not_fit_is_refused():
    curves, costs = study()
    budget = costs.budgets([2])
    with pytest.raises(ValueError, match=r"here \(40, 3, 2\) .* got shape \(40, 3, 8\)"):
        compare(curves, costs, budget, [1, 2])
    with pytest.raises(ValueError, match=r"from 1, rising, got \[2, 1\]"):
        compare(curves[:, :, :2], costs, budget, [2, 1])
    with pytest.raises(ValueError, match="one of 3 conditions, counted from 0; got 3"):
        compare(curves, costs, budget, reference=3)
    curves[4, 1, 2] = np.inf
    with pytest.raises(ValueError, match="problem 4 in condition 1 at size 3 is infinite"):
        compare(curves, costs, budget)
    with pytest.raises(ValueError, match=r"got shapes \(2, 3\) and \(2,\)"):
        Costs(np.ones((2, 3)), np.ones(2))
    with pytest.raises(ValueError, match="fixed is -1 for problem 1 in condition 0"):
        Costs(np.ones((2, 1)), np.array([[1.0], [-1.0]]))
