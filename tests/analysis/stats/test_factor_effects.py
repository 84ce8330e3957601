from itertools import product

import numpy as np
import pandas as pd
import pytest

from tests.lazily import Lazy
from workbench.analysis.stats.bootstrap import Resamples, bootstrap_means
from workbench.analysis.stats.design import design_of
from workbench.analysis.stats.factor_effects import interactions, main_effects

formulas = Lazy("statsmodels.formula.api")

LEVELS = {"T": (0.7, 1.0, 1.5), "prompt": ("a", "b"), "min_p": (0.0, 0.1)}
GRID = [dict(zip(LEVELS, cell, strict=True)) for cell in product(*LEVELS.values())]
NAMES = ["pass@1", "coverage"]


def rng(seed=0):
    return np.random.default_rng(seed)


def study(conditions, problems=40, seed=1):
    """(P, C, 2) outcomes with difficulty, an effect of each factor, and an interaction."""
    source = rng(seed)
    values = source.normal(0, 1, (problems, 1, 1)) + source.normal(
        0, 0.5, (problems, len(conditions), 2)
    )
    for place, cell in enumerate(conditions):
        shift = 0.4 * (cell["T"] == 1.5) + 0.3 * (cell["prompt"] == "b")
        values[:, place] += shift - 0.5 * (cell["T"] == 1.5) * (cell["prompt"] == "b")
    return values


def effects(values, conditions, names=NAMES, seed=0, **settings):
    weights = Resamples(len(values), 200, 0)
    design = design_of(conditions)
    return main_effects(values, design, names, weights=weights, rng=rng(seed), **settings)


def crossed(values, conditions, names=NAMES, **settings):
    return interactions(values, design_of(conditions), names, rng=rng(), **settings)


def rows_of(values, conditions, outcome=0):
    """A row per problem and condition, as a regression takes them."""
    frame = pd.DataFrame(conditions * len(values))
    frame["problem"] = np.repeat(np.arange(len(values)), len(conditions))
    return frame.assign(y=values[:, :, outcome].ravel())


def test_effects_by_hand():
    # one outcome; problem 2 is 0.5 above problem 1 everywhere
    conditions = [{"T": t, "p": p} for t in (1, 2) for p in (0, 1)]
    values = np.array([[0.1, 0.2, 0.3, 0.0]]) + np.array([[0.0], [0.5]])
    found = effects(values[:, :, None], conditions, ["y"]).set_index(["factor", "level"])
    assert found["combinations"].tolist() == [2, 2, 2, 2]
    assert found["problems"].tolist() == [2, 2, 2, 2]
    # T = 1: (0.1 + 0.2) / 2 and 0.5 more; T = 2: (0.3 + 0) / 2 and 0.5 more
    assert found.loc[("T", 1), "mean"] == pytest.approx(0.15 + 0.25)
    assert found.loc[("T", 2), "mean"] == pytest.approx(0.15 + 0.25)
    assert found.loc[("T", 2), "difference"] == pytest.approx(0.0)
    assert found.loc[("p", 1), "difference"] == pytest.approx(((0.2 - 0.1) + (0.0 - 0.3)) / 2)
    assert np.isnan(found.loc[("p", 0), "difference"])
    assert found[["mean_low", "difference_low", "difference_p"]].isna().all(axis=None)  # 2 problems
    (row,) = crossed(values[:, :, None], conditions, ["y"]).to_dict("records")
    assert (row["factor_a"], row["level_a"], row["reference_a"]) == ("T", 2, 1)
    assert (row["factor_b"], row["level_b"], row["reference_b"]) == ("p", 1, 0)
    assert row["interaction"] == pytest.approx((0.0 - 0.3) - (0.2 - 0.1))
    assert row["combinations"] == 1


def test_effects_are_the_coefficients_of_least_squares_clustered_by_problem():
    """Treatment coding; without interactions each coefficient averages over the other factors."""
    values = study(GRID)
    frame, found = rows_of(values, GRID), effects(values, GRID)
    found = found[found["outcome"] == "pass@1"].set_index(["factor", "level"])
    fit = formulas.ols("y ~ C(T) + C(prompt) + C(min_p)", frame).fit(
        cov_type="cluster",
        cov_kwds={"groups": frame["problem"], "use_correction": False},
    )
    for factor, levels in LEVELS.items():
        for level in levels[1:]:
            row, name = found.loc[(factor, level)], f"C({factor})[T.{level}]"
            assert row["difference"] == pytest.approx(fit.params[name], abs=1e-12)
            # the sandwich divides by P where a standard deviation divides by P - 1
            reach = 2.0226909 * fit.bse[name] * np.sqrt(40 / 39)  # t, 39 degrees of freedom
            assert row["difference_high"] - row["difference"] == pytest.approx(reach)
    assert len(found) == 7


def test_interactions_are_the_coefficients_of_the_products():
    values = study(GRID)
    frame = rows_of(values, GRID, outcome=1)
    found = crossed(values, GRID)
    assert len(found) == (2 + 2 + 1) * 2
    found = found[found["outcome"] == "coverage"]
    for a, b in (("T", "prompt"), ("T", "min_p"), ("prompt", "min_p")):
        (other,) = {*LEVELS} - {a, b}
        fit = formulas.ols(f"y ~ C({a}) * C({b}) + C({other})", frame).fit(
            cov_type="cluster",
            cov_kwds={"groups": frame["problem"], "use_correction": False},
        )
        part = found[(found["factor_a"] == a) & (found["factor_b"] == b)]
        assert (part["combinations"] == len(LEVELS[other])).all()
        for row in part.to_dict("records"):
            name = f"C({a})[T.{row['level_a']}]:C({b})[T.{row['level_b']}]"
            assert row["interaction"] == pytest.approx(fit.params[name], abs=1e-12)
            reach = 2.0226909 * fit.bse[name] * np.sqrt(40 / 39)
            assert row["interaction"] - row["interaction_low"] == pytest.approx(reach)


def test_both_are_the_fixed_effects_of_a_mixed_model_with_difficulty_at_random():
    """Sum coding of all factors, interactions too: half a difference of two levels is one
    coefficient, a quarter of an interaction another, in one and the same model."""
    conditions = [cell for cell in GRID if cell["T"] != 1.0]
    values = study(conditions)
    frame = rows_of(values, conditions)
    model = formulas.mixedlm(
        "y ~ C(T, Sum) * C(prompt, Sum) * C(min_p, Sum)", frame, groups="problem"
    )
    fit = model.fit().params
    found = effects(values, conditions)
    found = found[found["outcome"] == "pass@1"].set_index("factor")["difference"].dropna()
    names = {
        "T": "C(T, Sum)[S.0.7]",
        "prompt": "C(prompt, Sum)[S.a]",
        "min_p": "C(min_p, Sum)[S.0.0]",
    }
    for factor, name in names.items():
        assert found[factor] == pytest.approx(-2 * fit[name], abs=1e-9)
    pairs = crossed(values, conditions)
    for row in pairs[pairs["outcome"] == "pass@1"].to_dict("records"):
        name = f"{names[row['factor_a']]}:{names[row['factor_b']]}"
        assert row["interaction"] == pytest.approx(4 * fit[name], abs=1e-9)


def test_means_have_the_intervals_that_means_have_elsewhere():
    values = study(GRID)
    found = effects(values, GRID)
    row = found[(found["level"] == 1.0) & (found["outcome"] == "coverage")].iloc[0]
    of_problem = values[:, 4:8, 1].mean(axis=1)
    expected = bootstrap_means(of_problem, range(40), resamples=200, rng=rng())
    got = row["mean"], row["mean_low"], row["mean_high"]
    assert got == pytest.approx((expected.value[0], expected.low[0], expected.high[0]))


def test_unknown_outcomes_leave_a_problem_out_of_the_comparisons_that_need_them():
    values = study(GRID)
    values[3, 8] = np.nan  # T = 1.5, prompt a, min_p 0
    values[7, :, 0] = np.nan
    found = effects(values, GRID).set_index(["factor", "level", "outcome"])
    without = np.delete(values, [3, 7], axis=0)
    expected = effects(without, GRID).set_index(["factor", "level", "outcome"])
    for key, left_out in {
        ("T", 1.5, "pass@1"): 2, ("T", 1.5, "coverage"): 1, ("T", 1.0, "pass@1"): 1,
        ("T", 0.7, "coverage"): 0, ("prompt", "b", "pass@1"): 2,
    }.items():  # fmt: skip
        assert found.loc[key, "left_out"] == left_out
        assert found.loc[key, "problems"] == 40 - left_out
    for column in ("mean", "difference"):  # both over the same problems
        key = ("T", 1.5, "pass@1")
        assert found.loc[key, column] == pytest.approx(expected.loc[key, column])
    pair = crossed(values, GRID)
    pair = pair[(pair["outcome"] == "pass@1") & (pair["factor_a"] == "T")]
    assert pair.groupby("level_a")["left_out"].max().to_dict() == {1.0: 1, 1.5: 2}


def test_in_a_design_with_holes_each_level_is_matched_where_it_can_be():
    conditions = [{"T": 1, "p": 0}, {"T": 2, "p": 0}, {"T": 1, "p": 1}, {"T": 3, "p": 2}]
    conditions.append({"T": 2, "p": 1})
    values = rng(2).normal(size=(12, 5, 1))
    found = effects(values, conditions, ["y"]).set_index(["factor", "level"])
    mean = values[:, :, 0].mean(axis=0)
    assert found["combinations"].to_dict() == {
        ("T", 1): 2, ("T", 2): 2, ("T", 3): 0, ("p", 0): 2, ("p", 1): 2, ("p", 2): 0,
    }  # fmt: skip
    expected = (mean[1] - mean[0] + mean[4] - mean[2]) / 2
    assert found.loc[("T", 2), "difference"] == pytest.approx(expected)
    assert found.loc[("T", 3), ["mean", "difference"]].isna().all()
    assert found.loc[("T", 3), "problems"] == 0
    assert len(crossed(values, conditions, ["y"])) == 0  # the third levels are not crossed


def test_confounded_factors_have_no_rows():
    conditions = [{"T": 1.5, "p": 0.1}, {"T": 0.7, "p": 0.0}]
    values = rng(3).normal(size=(12, 2, 1))
    for found in (effects(values, conditions, ["y"]), crossed(values, conditions, ["y"])):
        assert len(found) == 0
        assert {"outcome", "combinations", "problems", "left_out"} <= {*found}
    assert {*effects(values, conditions, ["y"])} == {*effects(study(GRID), GRID)}
    assert {*crossed(values, conditions, ["y"])} == {*crossed(study(GRID), GRID)}


def test_the_order_of_conditions_problems_and_outcomes_does_not_matter():
    values = study(GRID)
    order = [0, *rng(4).permutation(np.arange(1, 12))]  # the references stay the references
    moved = [GRID[place] for place in order]
    key = ["factor", "level", "outcome"]
    shown = ["mean", "difference", "difference_low", "difference_p"]
    one = effects(values, GRID).set_index(key)[shown]
    other = effects(values[:, order][:, :, ::-1], moved, NAMES[::-1]).set_index(key)[shown]
    pd.testing.assert_frame_equal(
        one.sort_index(), other.sort_index(), check_index_type=False, atol=1e-12
    )


def test_what_repeats_the_rows_of_every_cell_changes_nothing():
    """A table's rows are averaged by problem and condition before they come here."""
    values = study(GRID)
    frame = rows_of(values, GRID)
    twice = pd.concat([frame, frame]).groupby(["problem", *LEVELS], sort=True)["y"].mean()
    again = twice.to_numpy().reshape(40, 12, 1)
    pd.testing.assert_frame_equal(
        effects(values[:, :, :1], GRID, ["y"]), effects(again, GRID, ["y"])
    )


def test_the_levels_of_one_outcome_of_one_factor_stand_beneath_one_another():
    found = effects(study(GRID), GRID)
    expected = [
        (factor, name, level)
        for factor, levels in LEVELS.items()
        for name in NAMES
        for level in levels
    ]
    assert (
        list(found[["factor", "outcome", "level"]].itertuples(index=False, name=None)) == expected
    )
    pairs = crossed(study(GRID), GRID).iloc[:4]
    assert pairs["outcome"].tolist() == ["pass@1"] * 2 + ["coverage"] * 2
    assert pairs["level_a"].tolist() == [1.0, 1.5] * 2


def test_levels_keep_their_kind():
    conditions = [{"top_k": 0, "T": 0.5}, {"top_k": 40, "T": 0.5}, {"top_k": 40, "T": 1.0}]
    found = effects(rng().normal(size=(12, 3, 1)), conditions, ["y"])
    assert [repr(level) for level in found["level"]] == ["0", "40", "0.5", "1.0"]


def test_confidence_widens_the_intervals():
    wide, narrow = (effects(study(GRID), GRID, confidence=share) for share in (0.99, 0.5))
    for name in ("mean", "difference"):
        reach = [
            (found[f"{name}_high"] - found[f"{name}_low"]).dropna() for found in (wide, narrow)
        ]
        assert (reach[0] > reach[1]).all()
    wide, narrow = (crossed(study(GRID), GRID, confidence=share) for share in (0.99, 0.5))
    assert (wide["interaction_low"] < narrow["interaction_low"]).all()


def test_what_does_not_fit_is_refused():
    values = study(GRID)
    with pytest.raises(
        ValueError, match=r"12 conditions, 1 named outcomes\), got shape \(40, 12, 2\)"
    ):
        effects(values, GRID, ["y"])
    values[2, 5, 1] = np.inf
    with pytest.raises(ValueError, match="coverage is infinite for problem 2 in condition 5"):
        crossed(values, GRID)
