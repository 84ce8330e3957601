import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workbench.analysis.correlation import (
    LEVELS,
    METHODS,
    correlate,
    correlations,
    partial_correlation,
)
from workbench.analysis.stats.bootstrap import fisher_interval

NAN = np.nan


@pytest.fixture
def rows():
    """18 problems of 3 to 8 rows: difficulty drives x and y up, within a problem they oppose."""
    rng = np.random.default_rng(0)
    problems = np.repeat(np.arange(18), rng.integers(3, 9, 18))
    difficulty = rng.normal(size=18)[problems] * 2
    x = difficulty + rng.normal(size=len(problems))
    z = x + rng.normal(size=len(problems))
    y = (difficulty - (x - difficulty) + rng.normal(size=len(problems)) > 0).astype(float)
    return x, y, z, problems


def at_level(column, problems, level):
    """The same three levels by pandas."""
    groups = pd.Series(column).groupby(problems)
    if level == "between":
        return groups.mean().to_numpy()
    # rounded as equal deviations may differ in the last bit, which matters to ranks
    return column if level == "pooled" else (column - groups.transform("mean")).round(12).to_numpy()


INDEPENDENT = {"pearson": stats.pearsonr, "spearman": stats.spearmanr}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", LEVELS)
def test_coefficient_and_interval_against_leaving_out_the_rows_themselves(rows, method, level):
    x, y, _, problems = rows

    def coefficient(kept):
        columns = (at_level(column[kept], problems[kept], level) for column in (x, y))
        return INDEPENDENT[method](*columns)[0]

    found = correlate(x, y, problems, method=method, level=level)

    without = np.array([coefficient(problems != p) for p in range(18)])
    active = np.ones(18, dtype=bool)
    if level == "within":  # x varies in every problem, so all have a say
        assert pd.Series(x).groupby(problems).nunique().min() > 1
    expected = fisher_interval(np.array(coefficient(problems >= 0)), without, active)
    assert found.r == pytest.approx(float(expected.value), abs=1e-12)
    assert found.low == pytest.approx(float(expected.low), abs=1e-9)
    assert found.high == pytest.approx(float(expected.high), abs=1e-9)
    assert (found.num_problems, found.num_rows) == (18, len(x))


def test_the_levels_tell_different_stories(rows):
    x, y, _, problems = rows
    assert correlate(x, y, problems, level="between").r > 0.5
    assert correlate(x, y, problems, level="within").r < -0.2


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("held", [False, True])
def test_repeating_every_row_changes_nothing(rows, method, level, held):
    x, y, z, problems = (np.asarray(column) for column in rows)
    once, twice = (
        correlate(
            np.tile(x, times),
            np.tile(y, times),
            np.tile(problems, times),
            np.tile(z, times) if held else None,
            method=method,
            level=level,
        )
        for times in (1, 2)
    )
    assert (once.r, once.low, once.high) == pytest.approx((twice.r, twice.low, twice.high))
    assert once.num_problems == twice.num_problems


@pytest.mark.parametrize("method", METHODS)
def test_partial_interval_by_problem_against_leaving_out_the_rows(rows, method):
    x, y, z, problems = rows
    found = correlate(x, y, problems, z, method=method)
    without = [
        partial_correlation(*(c[problems != p] for c in (x, y, z)), method=method).r
        for p in range(18)
    ]
    whole = partial_correlation(x, y, z, method=method).r
    expected = fisher_interval(np.array(whole), np.array(without), active=True)
    assert found.r == pytest.approx(whole)
    assert (found.low, found.high) == pytest.approx((float(expected.low), float(expected.high)))
    assert abs(found.r - correlate(x, y, problems, method=method).r) > 0.1  # z matters here


def test_confidence_widens_the_interval(rows):
    x, y, _, problems = rows
    narrow, wide = (correlate(x, y, problems, confidence=c) for c in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.r < narrow.high < wide.high


def test_problems_without_variation_have_no_say_within(rows):
    x, y, _, problems = rows
    more_x = np.concatenate([x, np.repeat([0.1, 0.7, 5.0], 3)])
    more_y = np.concatenate([y, np.repeat([1.0, 0.0, 1.0], 3)])
    more = np.concatenate([problems, np.repeat([90, 91, 92], 3)])
    alone = correlate(x, y, problems, level="within")
    found = correlate(more_x, more_y, more, level="within")
    assert found.num_problems == alone.num_problems == 18
    assert (found.r, found.low) == pytest.approx((alone.r, alone.low))


def test_missing_and_infinite_rows_are_dropped(rows):
    x, y, z, problems = rows
    kept = np.ones(len(x), dtype=bool)
    kept[[0, 7, 20]] = False
    holed_x, holed_y, holed_z = x.copy(), y.copy(), z.copy()
    holed_x[0], holed_y[7], holed_z[20] = -np.inf, NAN, NAN
    found = correlate(holed_x, holed_y, problems, holed_z)
    expected = correlate(x[kept], y[kept], problems[kept], z[kept])
    assert found == expected
    assert found.num_rows == len(x) - 3
    assert partial_correlation(holed_x, holed_y, holed_z) == partial_correlation(
        x[kept], y[kept], z[kept]
    )


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", LEVELS)
def test_constants_have_no_correlation(rows, method, level):
    x, _, z, problems = rows
    constant = np.full(len(x), 0.1)  # its mean differs from it in the last bit
    found = correlate(x, constant, problems, method=method, level=level)
    assert np.isnan([found.r, found.low, found.high]).all()
    of_problem = np.sqrt(problems)  # constant within each problem
    assert np.isnan(correlate(x, of_problem, problems, level="within", method=method).r)
    assert np.isnan(partial_correlation(x, constant, z, method).r)
    assert np.isnan(partial_correlation(x, 3 * z + 1, z).r)  # nothing is left of it
    assert np.isnan(correlate(x, 3 * z + 1, problems, z, level=level).r)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", LEVELS)
def test_hardly_any_rows_are_no_trouble(method, level):
    for size in range(4):
        found = correlate(np.arange(size), np.arange(size) ** 2, range(size), method=method)
        assert np.isnan(found.low)
        assert found.num_rows == size
        assert np.isnan(correlate(*[[1.0] * size] * 3, method=method, level=level).r)


def test_no_interval_below_ten_problems(rows):
    x, y, _, problems = rows
    few = problems < 9
    found = correlate(x[few], y[few], problems[few])
    assert np.isfinite(found.r)
    assert np.isnan([found.low, found.high]).all()
    ten = problems < 10
    assert np.isfinite(correlate(x[ten], y[ten], problems[ten]).low)


def test_interval_covers_the_truth_although_rows_depend_on_each_other():
    # x = d + e, y = d + e' with d of the problem: correlation 1/2, 24 problems of 10 rows
    rng, hits, as_rows = np.random.default_rng(6), 0, 0
    for _ in range(200):
        problems = np.repeat(np.arange(24), 10)
        shared = rng.normal(size=24)[problems]
        x, y = shared + rng.normal(size=240), shared + rng.normal(size=240)
        found = correlate(x, y, problems)
        hits += found.low <= 0.5 <= found.high
        naive = correlate(x, y, np.arange(240))
        as_rows += naive.low <= 0.5 <= naive.high
    assert 0.87 <= hits / 200 <= 0.99
    assert as_rows < hits - 20  # rows as units claim far too much


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("held", [False, True])
def test_many_columns_at_once_are_the_pairs_one_by_one(rows, method, level, held):
    x, y, z, problems = rows
    first = np.column_stack([x, np.round(z), np.full(len(x), 0.1), y, x])
    second = np.column_stack([y, x > 0, x + z, np.full(len(x), NAN)])
    first[[3, 8], 1] = NAN  # known in other rows than the rest
    second[5, 1] = np.inf
    covariates = np.where(np.arange(len(x)) == 11, NAN, z) if held else None
    found = correlations(first, second, problems, covariates, method=method, level=level)
    for i, j in np.ndindex(5, 4):
        alone = correlate(
            first[:, i], second[:, j], problems, covariates, method=method, level=level
        )
        for name in ("r", "low", "high", "p", "num_problems", "num_rows"):
            expected = pytest.approx(getattr(alone, name), abs=1e-12, nan_ok=True)
            assert getattr(found[i][j], name) == expected
    assert len({found[i][0].num_rows for i in range(5)}) == 2
    assert correlations(first, second[:, :0], problems) == [[]] * 5


def test_unknown_choices_are_named(rows):
    x, y, z, problems = rows
    with pytest.raises(ValueError, match="unknown method 'spearmen'; did you mean 'spearman'"):
        correlate(x, y, problems, method="spearmen")
    with pytest.raises(ValueError, match="unknown level 'withing'; did you mean 'within'"):
        correlate(x, y, problems, level="withing")
    with pytest.raises(ValueError, match="unknown method 'kendall'"):
        partial_correlation(x, y, z, method="kendall")
    with pytest.raises(ValueError, match="confidence must be a share"):
        partial_correlation(x, y, z, confidence=1.0)


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"equal length, got shapes \(2,\) and \(3,\)"):
        correlate([1, 2], [1, 2, 3], ["a", "b"])
    with pytest.raises(ValueError, match="one label for each of 3 rows"):
        correlate([1, 2, 3], [1, 2, 3], ["a", "b"])
    with pytest.raises(ValueError, match="one label for each of 3 rows"):
        correlations(np.ones((3, 2)), np.ones((4, 2)), [1, 2, 3])
    with pytest.raises(ValueError, match="one row for each of 4 values"):
        partial_correlation([1, 2, 3, 4], [1, 2, 3, 4], [1, 2])


# partial_correlation: independent rows


@pytest.fixture
def independent():
    rng = np.random.default_rng(3)
    z = rng.normal(size=(50, 2))
    x = z @ [1.0, 0.5] + rng.normal(size=50)
    y = z @ [-1.0, 0.5] + 0.4 * x + rng.normal(size=50)
    return x, y, z


def test_agrees_with_the_textbook_formula_for_one_covariate(independent):
    x, y, z = independent[0], independent[1], independent[2][:, 0]
    xy, xz, yz = (np.corrcoef(a, b)[0, 1] for a, b in ((x, y), (x, z), (y, z)))
    expected = (xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2))
    found = partial_correlation(x, y, z)
    assert found.r == pytest.approx(expected)
    assert found.df == 47
    assert found.p == pytest.approx(
        2 * stats.t.sf(abs(found.r) * np.sqrt(47 / (1 - expected**2)), 47)
    )
    assert abs(found.r - xy) > 0.1  # the covariate matters here, or the test proves nothing


@pytest.mark.parametrize("method", METHODS)
def test_agrees_with_regression(independent, method):
    sm = pytest.importorskip("statsmodels.api")
    x, y, z = independent
    if method == "spearman":
        x, y, z = stats.rankdata(x), stats.rankdata(y), stats.rankdata(z, axis=0)
    held = sm.add_constant(z)
    residuals = [sm.OLS(column, held).fit().resid for column in (x, y)]
    slope = sm.OLS(y, np.column_stack([held, x])).fit()
    found = partial_correlation(*independent, method=method)
    assert found.r == pytest.approx(np.corrcoef(*residuals)[0, 1])
    assert found.p == pytest.approx(slope.pvalues[-1])  # the t test of the slope is the same test
    assert found.df == slope.df_resid


@pytest.mark.parametrize("method", METHODS)
def test_agrees_with_pingouin(independent, method):
    pg = pytest.importorskip("pingouin", exc_type=ImportError)
    x, y, z = independent
    frame = pd.DataFrame({"x": x, "y": y, "z0": z[:, 0], "z1": z[:, 1]})
    theirs = pg.partial_corr(frame, "x", "y", ["z0", "z1"], method=method).iloc[0]
    found = partial_correlation(x, y, frame[["z0", "z1"]], method=method)
    assert found.r == pytest.approx(theirs["r"])
    assert found.p == pytest.approx(theirs.filter(regex="^p").iloc[0])
    interval = theirs.filter(like="CI").iloc[0]
    assert (found.low, found.high) == pytest.approx(tuple(interval), abs=0.006)  # theirs is rounded


def test_without_covariates_it_is_the_plain_correlation(independent):
    x, y, _ = independent
    found = partial_correlation(x, y, np.empty((50, 0)))
    theirs = stats.pearsonr(x, y)
    assert (found.r, found.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    low, high = theirs.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert partial_correlation(x, y, np.empty((50, 0)), confidence=0.5).low > found.low


def test_spearman_shares_ranks_among_equal_values():
    x, y, z = [1, 1, 2, 3, 3, 4, 5], [2, 1, 1, 3, 5, 4, 4], [0, 1, 0, 1, 0, 1, 0]
    ranked = partial_correlation(stats.rankdata(x), stats.rankdata(y), stats.rankdata(z))
    assert partial_correlation(x, y, z, method="spearman") == ranked
    assert ranked != partial_correlation(x, y, z)


def test_a_covariate_given_twice_counts_once(independent):
    x, y, z = independent
    once = partial_correlation(x, y, z[:, 0])
    twice = partial_correlation(x, y, np.column_stack([z[:, 0], 2 * z[:, 0] + 1, np.ones(50)]))
    assert twice.df == once.df
    assert (twice.r, twice.p, twice.low) == pytest.approx((once.r, once.p, once.low))


def test_a_perfect_relation_is_one():
    z = [0.0, 1.0, 0.0, 1.0, 5.0]
    found = partial_correlation([1, 2, 3, 4, 5], [-2, -4, -6, -8, -10], z)
    assert (found.r, found.p, found.low, found.high) == (-1.0, 0.0, -1.0, -1.0)


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="with 1 covariates needs at least 4 complete rows, got 3"):
        partial_correlation([1, 2, 4, 3], [2, 1, 3, NAN], [0, 1, 1, 0])
    found = partial_correlation([1, 2, 4, 3], [2, 1, 3, 5], [0, 1, 1, 0])
    assert found.df == 1
    assert np.isfinite([found.r, found.p]).all()
    assert np.isnan([found.low, found.high]).all()  # Fisher's z has no variance here
