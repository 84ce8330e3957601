"""A category held fixed beside numbers, against columns of zeros and ones and least squares."""

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.correlation import correlate, correlations
from workbench.analysis.stats import category_products

LEVELS = ("pooled", "within")


def residuals(values, *blocks):
    """What a regression on columns leaves of the values; it has an intercept."""
    told = np.hstack([np.ones((len(values), 1)), *blocks])
    return values - told @ np.linalg.lstsq(told, values)[0]


def dummies(labels):
    return pd.get_dummies(pd.Series(labels), dtype=float).to_numpy()


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    problems = np.repeat(np.arange(12), 12)
    conditions = rng.permutation(np.tile(["a", "b", "c", "d"], 36))  # uneven within problems
    shift = pd.Series(conditions).map({"a": 0.0, "b": 3.0, "c": -2.0, "d": 1.0}).to_numpy()
    z = rng.normal(size=144) + shift
    x = problems + shift + z + rng.normal(size=144)
    y = 2 * problems - 2 * shift + 0.5 * x + z + rng.normal(size=144)
    return pd.DataFrame({"problem": problems, "condition": conditions, "x": x, "y": y, "z": z})


def given_category(rows, level, covariates=None):
    arrays = rows["x"].to_numpy()[:, None], rows["y"].to_numpy()[:, None], rows["problem"]
    return correlations(*arrays, covariates, category=rows["condition"], level=level)[0][0]


@pytest.mark.parametrize("level", LEVELS)
def test_it_is_the_correlation_of_what_least_squares_leave(rows, level):
    blocks = [dummies(rows["condition"])]
    blocks += [dummies(rows["problem"])] * (level == "within")
    left = [residuals(rows[name].to_numpy(), *blocks) for name in ("x", "y")]
    found = given_category(rows, level)
    assert found.r == pytest.approx(np.corrcoef(*left)[0, 1])
    assert abs(found.r - correlate(rows["x"], rows["y"], rows["problem"], level=level).r) > 0.05
    blocks.append(rows[["z"]].to_numpy())
    left = [residuals(rows[name].to_numpy(), *blocks) for name in ("x", "y")]
    found = given_category(rows, level, rows["z"])
    assert found.r == pytest.approx(np.corrcoef(*left)[0, 1])


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("held", [[], ["z"]])
def test_intervals_are_those_with_a_column_for_each_category_but_one(rows, level, held):
    rows.loc[rows["problem"] == 5, ["x", "y"]] = 1.0  # only the category varies in it
    columns = np.hstack([dummies(rows["condition"])[:, 1:], rows[held].to_numpy()])
    wanted = correlate(rows["x"], rows["y"], rows["problem"], columns, level=level)
    found = given_category(rows, level, rows[held])
    for name in ("r", "low", "high", "p", "num_problems", "num_rows"):
        assert getattr(found, name) == pytest.approx(getattr(wanted, name))


@pytest.mark.parametrize("level", LEVELS)
def test_a_category_that_one_problem_alone_has_can_be_left_out_with_it(rows, level):
    rows["condition"] = rows["condition"].mask(rows["problem"] == 3, "alone")
    wanted = correlate(
        rows["x"], rows["y"], rows["problem"], dummies(rows["condition"])[:, 1:], level=level
    )
    found = given_category(rows, level)
    assert (found.r, found.low, found.high) == pytest.approx((wanted.r, wanted.low, wanted.high))
    assert np.isfinite([found.low, found.high]).all()


@pytest.mark.parametrize("level", LEVELS)
def test_numbers_that_the_category_decides_change_nothing_beside_it(rows, level):
    codes = rows["condition"].map({"a": 0.3, "b": 0.7, "c": 1.0, "d": 1.5})
    plain, again = given_category(rows, level), given_category(rows, level, codes)
    assert (again.r, again.low) == pytest.approx((plain.r, plain.low))
    constant = given_category(rows, level, np.ones(len(rows)))
    assert (constant.r, constant.low) == pytest.approx((plain.r, plain.low))
    assert np.isnan(given_category(rows.assign(x=codes), level).r)  # nothing is left of it


@pytest.mark.parametrize("level", LEVELS)
def test_one_category_holds_nothing_fixed(rows, level):
    wanted = correlate(rows["x"], rows["y"], rows["problem"], level=level)
    found = given_category(rows.assign(condition="all"), level)
    assert (found.r, found.low, found.high) == pytest.approx((wanted.r, wanted.low, wanted.high))


def test_rows_without_a_value_are_left_out_and_none_may_be_left(rows):
    some = rows.assign(x=rows["x"].mask(rows["problem"] < 2))
    wanted = given_category(rows[rows["problem"] >= 2], "within")
    assert given_category(some, "within").r == pytest.approx(wanted.r)
    nothing = given_category(rows.assign(x=np.nan), "within")
    assert np.isnan(nothing.r)
    assert nothing.num_rows == 0


@pytest.mark.parametrize("level", LEVELS)
def test_blocks_of_problems_do_not_change_the_numbers(rows, level, monkeypatch):
    wanted = given_category(rows, level)
    monkeypatch.setattr(category_products, "BLOCK", 16 * 5)  # five problems at once
    found = given_category(rows, level)
    assert (found.r, found.low, found.high) == pytest.approx((wanted.r, wanted.low, wanted.high))


def test_ranks_and_means_of_problems_have_no_category_held(rows):
    columns = rows[["x"]], rows[["y"]], rows["problem"]
    for how in ({"method": "spearman"}, {"level": "between"}):
        with pytest.raises(ValueError, match="held fixed for pearson correlations, pooled or wit"):
            correlations(*columns, category=rows["condition"], **how)
    with pytest.raises(ValueError, match="one label for each of 144 values"):
        correlations(*columns, category=["a"])
