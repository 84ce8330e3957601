import numpy as np
import pytest
from scipy import stats

from workbench.analysis.stats.ranks import rank_covariances


def repeated(values, codes, weight):
    """The rows as they would stand there if each problem's were repeated."""
    return np.repeat(values, np.asarray(weight, dtype=int)[codes], axis=0)


def by_scipy(values, codes, weight):
    """The same covariance from ranks of the repeated rows."""
    rows = repeated(values, codes, weight)
    if len(rows) < 2:
        return np.zeros((values.shape[1],) * 2)
    ranks = stats.rankdata(rows, axis=0) - (len(rows) + 1) / 2
    return ranks.T @ ranks / len(rows) ** 3 * 12


def pool(seed):
    """(values, codes): few values and many, a constant, signed zeros, problems in any order."""
    rng = np.random.default_rng(seed)
    rows, problems = int(rng.integers(1, 60)), int(rng.integers(1, 12))
    values = np.column_stack(
        [
            rng.normal(size=rows),
            rng.random(rows) < 0.4,
            rng.integers(0, 4, rows) / 3,
            np.full(rows, 0.1),
            rng.choice([0.0, -0.0, 1e-300, 5.0], rows),
        ]
    )
    return values, np.unique(rng.integers(0, problems, rows), return_inverse=True)[1], rng


@pytest.mark.parametrize("seed", range(20))
def test_ranks_are_those_of_the_repeated_rows(seed):
    values, codes, rng = pool(seed)
    problems = int(codes.max()) + 1
    weights = rng.integers(0, 4, (6, problems)).astype(float)
    weights[0], weights[1] = 0.0, 1.0
    found = rank_covariances(values, codes, weights)
    expected = [by_scipy(values, codes, weight) for weight in weights]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-13)


def test_a_bootstrap_of_spearman_by_scipy_on_the_drawn_rows():
    values, codes, rng = pool(3)
    weights = rng.multinomial(codes.max() + 1, np.full(codes.max() + 1, 1 / (codes.max() + 1)), 20)
    for weight, found in zip(weights, rank_covariances(values, codes, weights), strict=True):
        rows = repeated(values, codes, weight)
        r = found[0, 2] / np.sqrt(found[0, 0] * found[2, 2])
        assert r == pytest.approx(stats.spearmanr(rows[:, 0], rows[:, 2])[0], abs=1e-12)


def test_untied_ranks_vary_by_one_and_tied_ones_not_at_all():
    values = np.column_stack([np.arange(1000.0), np.ones(1000)])
    (found,) = rank_covariances(values, np.arange(1000), [np.ones(1000)])
    assert found[0, 0] == pytest.approx(1.0, abs=1e-5)  # 1 - 1 / n²
    assert found[0, 1] == found[1, 1] == 0


def test_nothing_is_left_of_no_rows():
    nothing = rank_covariances(np.empty((0, 3)), np.empty(0, dtype=np.int64), [np.empty(0)])
    assert (nothing == np.zeros((1, 3, 3))).all()
    assert rank_covariances(np.ones((4, 2)), np.zeros(4, dtype=np.int64), []).shape == (0, 2, 2)
