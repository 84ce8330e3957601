"""The columns by which tables tell conditions apart, and the way back from a saved table."""

import numpy as np
import pandas as pd
import pytest

from workbench.analysis.condition_columns import (
    factor_columns,
    has_names,
    in_table_order,
    with_conditions,
    with_levels,
)
from workbench.analysis.factor_design import design_of_conditions
from workbench.core.conditions import Condition, temperature_name
from workbench.storage.signature import condition_parts


def heated(*temperatures):
    return [Condition(temperature_name(t), t, 8) for t in temperatures]


def cell(name, temperature, **levels):
    return Condition(name, temperature, 8, levels, {"temperature": temperature} | levels)


CELLS = [
    cell("T1", 1.0, min_p=0.0, prompt="default"), cell("T1-min_p0.1", 1.0, min_p=0.1,
    prompt="default"), cell("odd", 1.0, min_p=0.1, prompt="brief"),
]  # fmt: skip


def table(*names, **columns):
    return pd.DataFrame({"k": 2, "condition": names, "pool": "one"} | columns)


def test_temperatures_alone_are_the_one_column_there_was():
    found = with_levels(table("T0.3", "T1"), heated(0.3, 1.0))
    expected = pd.DataFrame({"k": 2, "temperature": [0.3, 1.0], "pool": "one"})
    pd.testing.assert_frame_equal(found, expected)
    assert found.to_csv(index=False) == "k,temperature,pool\n2,0.3,one\n2,1.0,one\n"
    assert not has_names(heated(0.3, 1.0))


def test_mixed_and_unknown_temperatures_are_no_numbers():
    found = with_levels(table("T1", "unknown", "mixed"), heated(1.0, None))
    assert found["temperature"].isna().tolist() == [False, True, True]
    assert found["temperature"].dtype == float


def test_of_factors_only_those_that_vary_have_a_column_beside_the_name():
    found = with_levels(table("T1", "odd", "mixed"), CELLS)
    assert list(found.columns) == ["k", "condition", "min_p", "prompt", "pool"]
    assert found["condition"].tolist() == ["T1", "odd", "mixed"]
    np.testing.assert_array_equal(found["min_p"], [0.0, 0.1, np.nan])
    assert found["prompt"].tolist() == ["default", "brief", "all"]
    assert has_names(CELLS)


def test_a_name_of_one_s_own_is_told_though_only_the_temperature_is_set():
    hot = [cell("hot", 1.5), *heated(1.0)]
    assert list(with_levels(table("hot", "T1"), hot).columns) == [
        "k", "condition", "temperature", "pool",
    ]  # fmt: skip


def test_an_option_that_a_condition_leaves_to_the_engine_is_not_set():
    name = "engine.presence_penalty"
    own, left = cell("a", 1.0, **{name: 0.5}), cell("b", 1.0, **{name: None})
    found = with_levels(table("a", "b", "mixed"), [own, left])
    assert found[name].tolist() == ["0.5", "not set", "all"]
    assert design_of_conditions([own, left]).levels[name] == ("0.5", "not set")
    assert condition_parts([own, left]) == {"T": "1", name: "0.5,not set"}


def test_a_table_without_conditions_is_let_be():
    frame = pd.DataFrame({"k": [2]})
    assert with_levels(frame, CELLS) is frame
    assert with_conditions(frame) is frame


def test_the_order_is_that_of_tables_with_mixed_pools_last():
    names = pd.Series(["mixed", "odd", "T1", "T1-min_p0.1"])
    order = names.iloc[in_table_order(names, CELLS).argsort()].tolist()
    assert order == ["T1", "T1-min_p0.1", "odd", "mixed"]


@pytest.mark.parametrize("conditions", [heated(0.3, 1.0, None), CELLS])
def test_a_saved_table_has_its_conditions_again(conditions, tmp_path):
    names = [*(one.name for one in conditions), "mixed"]
    frame = table(*names).assign(pool=["one"] * len(conditions) + ["mixed"])
    with_levels(frame, conditions).to_csv(tmp_path / "saved.csv", index=False)
    found = with_conditions(pd.read_csv(tmp_path / "saved.csv"))
    assert found["condition"].tolist() == names
    assert found["condition"].cat.categories.tolist() == names
    assert found["condition"].cat.ordered


def test_factors_are_known_by_their_names():
    saved = with_levels(table("T1", "odd", maj=[0.1, 0.2]), CELLS)
    assert factor_columns(saved) == ["min_p", "prompt"]
    assert factor_columns(pd.DataFrame(columns=["temperature", "engine.x", "tokens"])) == [
        "temperature", "engine.x",
    ]  # fmt: skip
