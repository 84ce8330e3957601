import numpy as np
import pandas as pd

from tests.analysis.test_wandb_summary import FRAMES, NAMED
from workbench.analysis.wandb_curves import curves, factor_curves, token_curves
from workbench.core.conditions import Condition


def test_curves_are_exact_where_that_is_known():
    scalars = {"maj@8/T0.7": 0.25, "pass@8/T0.7": 0.75, "cos_sim@8": 0.4, "samples": 12.0}
    assert curves(scalars, FRAMES) == [
        {"k": 1, "curve/T0.7/pass@k": 0.3, "curve/T0.7/pass@k/low": 0.0, "curve/T0.7/maj@k": 0.3},
        {
            "k": 8, "curve/T0.7/pass@k": 0.76, "curve/T0.7/pass@k/low": 0.0,
            "curve/T0.7/maj@k": 0.25, "curve/all/cos_sim@k": 0.4,
        },
    ]  # fmt: skip


def test_the_bounds_of_intervals_end_the_names_of_curves():
    scalars = {
        "maj@8": 0.5, "maj@8/all/low": 0.4, "maj@8/all/high": 0.6, "maj@8/hot-min_p0.1/low": 0.3,
        "drawn_weighted@8/T1/error": 0.1,
    }  # fmt: skip
    (row,) = curves(scalars, {"coverage_curve": pd.DataFrame()})
    assert row == {
        "k": 8, "curve/all/maj@k": 0.5, "curve/all/maj@k/low": 0.4, "curve/all/maj@k/high": 0.6,
        "curve/hot-min_p0.1/maj@k/low": 0.3,
    }  # fmt: skip


def test_an_exact_curve_has_no_bound_of_a_drawn_mean():
    scalars = {"maj@8/T0.7": 0.4, "maj@8/T0.7/low": 0.3, "maj@8/T0.7/high": 0.5}
    exact = {"temperature": [0.7], "k": [8], "maj@k": [0.45], "maj@k_low": [np.nan]}
    (row,) = curves(scalars, {"coverage_curve": pd.DataFrame(exact)})
    assert row == {"k": 8, "curve/T0.7/maj@k": 0.45}


def test_only_greedy_conditions_have_no_curve_where_temperatures_do_not_vary():
    assert curves({}, NAMED) == [{"k": 1, "curve/T0.7/pass@k": 0.3}]


SCALARS = {
    "accuracy/T0": 0.5, "accuracy/T0.7": 0.4, "maj@8": 0.9, "maj@8/T0.7": 0.45,
    "maj@8/T0.7/low": 0.3, "maj@8/T0.7/high": 0.6, "maj@8/T1": 0.35, "cos_sim@8/T1": 0.2,
    "status/answered/T1": 1.0, "maj@8/mixed": 0.5, "maj@8/T1/low": 0.25,
}  # fmt: skip


def test_every_condition_is_a_row_against_its_temperature():
    conditions = [Condition("T1", 1.0, 8), Condition("T0.7", 0.7, 8), Condition("T0", 0.0, 1)]
    assert factor_curves(SCALARS, conditions) == {
        "temperature": [
            {"temperature": 0.0, "by_temperature/accuracy": 0.5},
            {
                "temperature": 0.7, "by_temperature/accuracy": 0.4, "by_temperature/maj@8": 0.45,
                "by_temperature/maj@8/low": 0.3, "by_temperature/maj@8/high": 0.6,
            },
            {
                "temperature": 1.0, "by_temperature/maj@8": 0.35,
                "by_temperature/maj@8/low": 0.25, "by_temperature/cos_sim@8": 0.2,
            },
        ]
    }  # fmt: skip


def cell(name, **levels):
    return Condition(name, levels["temperature"], 8, {}, levels)


def test_another_number_that_varies_is_an_axis_and_the_rest_tells_lines_apart():
    conditions = [
        cell("T1", temperature=1.0, min_p=0.0), cell("T2", temperature=2.0, min_p=0.0),
        cell("T2-min_p0.1", temperature=2.0, min_p=0.1),
    ]  # fmt: skip
    scalars = {"maj@4/T1": 0.4, "maj@4/T2": 0.1, "maj@4/T2-min_p0.1": 0.3}
    found = factor_curves(scalars, conditions)
    assert found["temperature"] == [
        {"temperature": 1.0, "by_temperature/maj@4/min_p0": 0.4},
        {
            "temperature": 2.0, "by_temperature/maj@4/min_p0": 0.1,
            "by_temperature/maj@4/min_p0.1": 0.3,
        },
    ]  # fmt: skip
    assert found["min_p"] == [
        {"min_p": 0.0, "by_min_p/maj@4/temperature1": 0.4, "by_min_p/maj@4/temperature2": 0.1},
        {"min_p": 0.1, "by_min_p/maj@4/temperature2": 0.3},
    ]


def test_a_factor_of_texts_is_no_axis_but_tells_lines_apart():
    conditions = [
        cell("T1", temperature=1.0, prompt="plain"), cell("T1-brief", temperature=1.0, prompt="b/f")
    ]  # fmt: skip
    found = factor_curves({"maj@4/T1": 0.4, "maj@4/T1-brief": 0.5}, conditions)
    assert found == {
        "temperature": [
            {
                "temperature": 1.0, "by_temperature/maj@4/plain": 0.4,
                "by_temperature/maj@4/b_f": 0.5,
            }
        ]
    }  # fmt: skip


def test_an_unknown_temperature_is_no_place_on_an_axis():
    assert factor_curves({"maj@4/Tunknown": 0.4}, [Condition("unknown", None, 8)]) == {}


def test_accuracy_stands_against_the_tokens_that_it_costs():
    budget = pd.DataFrame(
        {
            "temperature": [0.7, 0.7, 1.0], "k": [1, 2, 1], "tokens": [20.0, 40.0, 30.0],
            "maj_correct": [0.4, 0.5, np.nan], "maj_correct_low": [0.3, np.nan, np.nan],
            "coverage": [0.4, 0.6, np.nan],
        }
    )  # fmt: skip
    assert token_curves({"budget": budget}) == [
        {
            "tokens": 20.0, "by_tokens/maj/T0.7": 0.4, "by_tokens/maj/T0.7/low": 0.3,
            "by_tokens/pass/T0.7": 0.4,
        },
        {"tokens": 40.0, "by_tokens/maj/T0.7": 0.5, "by_tokens/pass/T0.7": 0.6},
    ]  # fmt: skip
