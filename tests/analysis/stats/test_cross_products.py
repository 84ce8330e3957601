import numpy as np
import pytest

from workbench.analysis.stats.cross_products import (
    at_level,
    correlations_from_products,
    cross_products,
    partial_correlations,
    standardised,
)


@pytest.fixture
def rows():
    """(values (R, 4), problems (R,)) of 9 problems of 1 to 6 rows, in no order."""
    rng = np.random.default_rng(1)
    codes = rng.permutation(np.repeat(np.arange(9), rng.integers(1, 7, 9)))
    return rng.normal(size=(len(codes), 4)) @ rng.normal(size=(4, 4)), codes


def test_sums_of_products_are_those_of_each_problems_rows(rows):
    values, codes = rows
    found = cross_products(values, codes)
    for problem, products in enumerate(found):
        own = np.column_stack([np.ones(len(values)), values])[codes == problem]
        np.testing.assert_allclose(products, own.T @ own, rtol=1e-13)
    assert cross_products(np.empty((0, 2)), np.empty(0, dtype=np.int64)).shape == (0, 3, 3)


def test_the_sum_of_all_but_some_problems_gives_the_correlation_of_their_rows(rows):
    values, codes = rows
    products = cross_products(standardised(values), codes)[:, :3, :3]
    kept = values[codes > 2]
    r = correlations_from_products(products[3:].sum(axis=0))
    assert r == pytest.approx(np.corrcoef(kept[:, 0], kept[:, 1])[0, 1], abs=1e-12)


def test_covariances_give_the_correlation_of_what_the_others_leave(rows):
    values = standardised(rows[0])
    residuals = values[:, :2] - values[:, 2:] @ np.linalg.lstsq(values[:, 2:], values[:, :2])[0]
    found = partial_correlations(np.cov(values.T, bias=True))
    assert found == pytest.approx(np.corrcoef(residuals.T)[0, 1], abs=1e-12)
    assert np.isnan(partial_correlations(np.zeros((2, 2))))


def test_levels_take_problems_apart(rows):
    values, codes = rows
    within, own = at_level(standardised(values), codes, "within")
    between, alone = at_level(standardised(values), codes, "between")
    assert (own == codes).all()
    assert alone.tolist() == list(range(9))
    for problem in range(9):
        np.testing.assert_allclose(within[codes == problem].mean(axis=0), 0, atol=1e-11)
    np.testing.assert_allclose((within**2).mean(axis=0), 1)
    np.testing.assert_allclose((between**2).mean(axis=0), 1)
