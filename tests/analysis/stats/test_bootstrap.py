import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workbench.analysis.stats.bootstrap import (
    Resamples,
    bootstrap_means,
    bootstrap_sums,
    fisher_interval,
    problem_codes,
    sum_values,
)


def rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture
def rows():
    """(values (R, 2), problems (R,)): 15 problems of 1 to 9 rows, difficulty in common."""
    source = rng(7)
    problems = np.repeat(np.arange(15), source.integers(1, 10, 15))
    difficulty = source.random(15)[problems]
    values = source.random((len(problems), 2)) < difficulty[:, None]
    return values.astype(float), problems


def test_means_are_over_rows():
    found = bootstrap_means([1.0, 0.0, 0.0, 1.0], ["a", "a", "a", "b"], rng=rng())
    assert found.value == pytest.approx([0.5])
    assert found.num_problems.tolist() == [2]


def test_bootstrap_equals_resampling_the_rows_themselves(rows):
    values, problems = rows
    found = bootstrap_means(values, problems, resamples=300, rng=rng(3))
    weights = rng(3).multinomial(15, np.full(15, 1 / 15), size=300)
    means = []
    for weight in weights:
        picked = np.concatenate(
            [np.tile(np.flatnonzero(problems == p), weight[p]) for p in range(15)]
        )
        means.append(values[picked.astype(int)].mean(axis=0))
    np.testing.assert_allclose(found.low, np.quantile(means, 0.025, axis=0))
    np.testing.assert_allclose(found.high, np.quantile(means, 0.975, axis=0))
    assert (found.low < found.value).all()
    assert (found.value < found.high).all()


def test_repeating_every_row_leaves_the_interval_unchanged(rows):
    values, problems = rows
    once = bootstrap_means(values, problems, rng=rng())
    twice = bootstrap_means(np.tile(values, (2, 1)), np.tile(problems, 2), rng=rng())
    np.testing.assert_allclose(
        [once.low, once.high, once.value], [twice.low, twice.high, twice.value], rtol=1e-12
    )
    # as if rows were independent it would shrink
    as_rows = bootstrap_means(np.tile(values, (2, 1)), np.arange(2 * len(values)), rng=rng())
    assert (as_rows.high - as_rows.low < 0.8 * (once.high - once.low)).all()


def test_neither_the_order_of_rows_nor_the_kind_of_label_matters(rows):
    values, problems = rows
    order = rng(1).permutation(len(values))
    names = np.array([f"problem-{p:03d}" for p in problems])
    once = bootstrap_means(values, problems, rng=rng())
    again = bootstrap_means(pd.DataFrame(values[order]), pd.Series(names[order]), rng=rng())
    np.testing.assert_allclose(once.low, again.low, rtol=1e-12)


def test_only_the_generator_is_consulted(rows):
    first, again, other = (bootstrap_means(*rows, rng=rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.low, again.low)
    assert (first.low != other.low).any()


def test_confidence_and_resamples_are_used(rows):
    wide = bootstrap_means(*rows, confidence=0.99, rng=rng())
    narrow = bootstrap_means(*rows, confidence=0.5, rng=rng())
    assert (wide.low < narrow.low).all()
    assert (bootstrap_means(*rows, resamples=5, rng=rng()).low != wide.low).all()
    with pytest.raises(ValueError, match="between 0 and 1, got 95"):
        bootstrap_means(*rows, confidence=95, rng=rng())


def test_missing_values_are_left_out_of_their_column_only(rows):
    values, problems = rows
    holed = values.copy()
    holed[problems == 4, 0] = np.nan
    found = bootstrap_means(holed, problems, rng=rng())
    whole = bootstrap_means(values, problems, rng=rng())
    assert found.num_problems.tolist() == [14, 15]
    assert found.value[0] == pytest.approx(values[problems != 4, 0].mean())
    assert found.low[1] == whole.low[1]
    assert np.isfinite(found.low).all()


def test_no_interval_below_ten_problems():
    values = np.tile([[0.0, 1.0]], (20, 1))
    values[:10, 0] = 1.0
    problems = np.arange(20) % 10
    enough = bootstrap_means(values, problems, rng=rng())
    assert np.isfinite(enough.low).all()
    values[problems == 9, 1] = np.nan  # nine problems left in this column
    found = bootstrap_means(values, problems, rng=rng())
    assert np.isfinite(found.low[0])
    assert np.isnan([found.low[1], found.high[1]]).all()
    assert found.value[1] == 1.0


def test_a_column_without_any_value_is_nan():
    found = bootstrap_means(np.full((12, 1), np.nan), np.arange(12), rng=rng())
    assert np.isnan([found.value, found.low, found.high]).all()
    assert bootstrap_means(np.empty((0, 2)), [], rng=rng()).value.shape == (2,)


def test_many_resamples_are_drawn_in_blocks(rows, monkeypatch):
    whole = bootstrap_means(*rows, resamples=100, rng=rng())
    monkeypatch.setattr("workbench.analysis.stats.bootstrap.MOST_WEIGHTS", 7 * 15)  # 7 at a time
    np.testing.assert_array_equal(whole.low, bootstrap_means(*rows, resamples=100, rng=rng()).low)


@pytest.mark.parametrize("kept", [0, 10**6])
def test_resamples_are_the_same_whenever_they_are_asked_for(monkeypatch, kept):
    monkeypatch.setattr("workbench.analysis.stats.bootstrap.MOST_KEPT", kept)
    monkeypatch.setattr("workbench.analysis.stats.bootstrap.MOST_WEIGHTS", 7 * 15)  # 7 at a time
    draws = Resamples(15, 40, seed=3)
    once, again = (np.concatenate(list(draws)) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(once, rng(3).multinomial(15, np.full(15, 1 / 15), size=40))
    assert {len(block) for block in draws} == {7, 5}
    assert (np.concatenate(list(Resamples(15, 40, seed=4))) != once).any()


def test_means_of_several_groups_are_resampled_with_the_same_problems(rows):
    values, problems = rows
    group = rng(2).integers(0, 3, len(values))
    sums, counts = sum_values(values, problems * 3 + group, 15 * 3)
    draws = Resamples(15, 200, seed=1)
    found = bootstrap_sums(sums.reshape(15, 6), counts.reshape(15, 6), draws, confidence=0.8)
    for place, (number, column) in enumerate((n, c) for n in range(3) for c in range(2)):
        means = []
        for weight in np.concatenate(list(draws)):
            drawn = np.repeat(np.arange(len(values)), weight[problems].astype(int))
            means.append(values[drawn[group[drawn] == number], column].mean())
        inside = group == number
        assert found.value[place] == pytest.approx(values[inside, column].mean())
        assert found.low[place] == pytest.approx(np.quantile(means, 0.1))
        assert found.high[place] == pytest.approx(np.quantile(means, 0.9))
        assert found.num_problems[place] == len(set(problems[inside]))


def test_a_resample_without_a_value_is_left_out():
    sums, counts = np.r_[np.arange(10.0), 0.0][:, None], np.r_[np.ones(10), 0.0][:, None]
    weights = np.zeros((3, 11))
    weights[0, 2] = weights[1, 4] = weights[2, 10] = 1  # the last draws only what has no value
    found = bootstrap_sums(sums, counts, [weights], confidence=0.5)
    assert (found.low[0], found.high[0]) == (2.5, 3.5)
    assert found.num_problems.tolist() == [10]


def test_bootstrap_covers_the_truth_although_rows_depend_on_each_other():
    # 40 problems of 20 rows, each problem with its own accuracy, 0.5 on average
    source, hits = rng(11), 0
    for _ in range(200):
        accuracy = source.random(40)
        values = (source.random((40, 20)) < accuracy[:, None]).astype(float).ravel()
        found = bootstrap_means(values, np.repeat(np.arange(40), 20), resamples=400, rng=source)
        hits += found.low[0] <= 0.5 <= found.high[0]
    assert 0.88 <= hits / 200 <= 0.99  # 0.95 less what 40 problems cost; 5 standard errors


@pytest.mark.parametrize(
    ("values", "problems", "message"),
    [
        ([1.0, 2.0], ["a"], "one row per problem label"),
        ([1.0, np.inf], ["a", "b"], "infinite at row 1, column 0"),
        ([1.0, 2.0], ["a", None], "no label at row 1"),
        ([1.0, 2.0], [["a"], ["b"]], "one label per row"),
    ],
)
def test_bad_rows_are_refused(values, problems, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_means(values, problems, rng=rng())


def test_problem_codes_are_in_sorted_order():
    assert problem_codes(["b", "a", "c", "a"]).tolist() == [1, 0, 2, 0]


def test_fisher_interval_by_hand():
    z = np.arctanh(np.linspace(0.3, 0.6, 12))
    found = fisher_interval(np.array(0.45), np.tanh(z), active=True, confidence=0.9)
    error = np.sqrt(11 / 12 * ((z - z.mean()) ** 2).sum())
    reach = stats.t(11).ppf(0.95) * error
    assert found.low == pytest.approx(np.tanh(np.arctanh(0.45) - reach))
    assert found.high == pytest.approx(np.tanh(np.arctanh(0.45) + reach))
    assert found.num_problems == 12


def test_problems_without_a_say_are_not_counted():
    leave_one_out = np.tanh(np.linspace(0.2, 0.4, 12))
    alone = fisher_interval(np.array(0.3), leave_one_out, active=True)
    padded = np.concatenate([leave_one_out, np.full(30, 0.3)])
    found = fisher_interval(np.array(0.3), padded, active=np.arange(42) < 12)
    assert (found.low, found.high) == pytest.approx((float(alone.low), float(alone.high)))
    assert found.num_problems == 12
    nine = fisher_interval(np.array(0.3), padded, active=np.arange(42) < 9)
    assert np.isnan([nine.low, nine.high]).all()


def test_undefined_correlations_have_no_interval():
    leave_one_out = np.full((12, 4), 0.5)
    leave_one_out[3, 1] = np.nan
    leave_one_out[:, 2] = 1.0
    found = fisher_interval(np.array([0.5, 0.5, 1.0, np.nan]), leave_one_out, active=True)
    assert np.isfinite(found.low).tolist() == [True, False, False, False]
    assert found.low[0] == pytest.approx(0.5)


def test_jackknife_of_several_statistics_at_once_is_that_of_each():
    moments = rng(2).random((14, 3, 2)) + np.array([1.0, 3.0])  # (P, columns, M)

    def ratio(sums):
        return sums[..., 0] / sums[..., 1]

    def without(sums):
        return sums.sum(axis=0) - sums

    together = fisher_interval(ratio(moments.sum(axis=0)), ratio(without(moments)))
    for column in range(3):
        own = moments[:, column]
        alone = fisher_interval(ratio(own.sum(axis=0)), ratio(without(own)))
        assert together.low[column] == pytest.approx(float(alone.low))
    kept = np.delete(moments[:, 0], 5, axis=0).sum(axis=0)
    leave_one_out = ratio(without(moments))[5, 0]
    assert leave_one_out == pytest.approx(kept[0] / kept[1])


def test_problems_that_sway_the_correlation_leave_fewer_degrees_of_freedom():
    """Satterthwaite: a variance whose own variance is that of a chi-square with so many degrees."""
    even = np.tanh(0.5 + np.array([0.01, -0.01] * 10))  # kurtosis 1: more than P - 1, so P - 1
    uneven = np.tanh(0.5 + np.array([0.1, -0.1, *[0.0] * 18]))  # kurtosis 10: 40 / 9 degrees
    for without, spread, degrees in ((even, 20 * 1e-4, 19), (uneven, 2e-2, 40 / 9)):
        found = fisher_interval(np.tanh(0.5), without, True)
        error = np.sqrt(spread * 19 / 20)
        reach = stats.t.ppf(0.975, degrees) * error
        np.testing.assert_allclose(
            [found.low, found.high], np.tanh([0.5 - reach, 0.5 + reach]), rtol=1e-9
        )
        assert found.p == pytest.approx(2 * stats.t.sf(0.5 / error, degrees), rel=1e-9)


def test_a_p_value_agrees_with_the_interval():
    rng = np.random.default_rng(0)
    for r in np.linspace(-0.4, 0.4, 41):
        found = fisher_interval(r, np.tanh(np.arctanh(r) + rng.normal(0, 0.02, 40)), True)
        assert (found.p < 0.05) == (found.low > 0 or found.high < 0)
