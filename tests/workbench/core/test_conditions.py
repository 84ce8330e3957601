"""Names of conditions, their order, and what varies among them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.conditions import (
    Condition,
    condition_name,
    drawing_key,
    in_order,
    level_value,
    spell_condition,
    spell_level,
    spell_setting,
    temperature_name,
    varying_factors,
    where_at,
)

NUMBERS = st.floats(min_value=1e-6, max_value=1e6, allow_nan=False)


def grid(*levels, n=8):
    """Conditions of levels as dictionaries, each named by its number."""
    return [
        Condition(str(number), one["temperature"], n, {}, one) for number, one in enumerate(levels)
    ]


@given(NUMBERS, NUMBERS)
def test_temperatures_that_differ_have_names_that_differ(one, other):
    assert (temperature_name(one) == temperature_name(other)) == (one == other)


@given(NUMBERS)
def test_a_temperature_is_spelt_in_a_legend_and_in_a_sentence(temperature):
    name = temperature_name(temperature)
    assert spell_condition(name) == f"T = {temperature:g}"
    assert where_at(name) == f"at T = {temperature:g}"


def test_a_name_that_only_begins_as_a_temperature_s_is_not_one():
    for name in ("T0.7-min_p0.1", "hot", "Tall", "T"):
        assert spell_condition(name) == name
        assert where_at(name) == f"in {name}"
    assert where_at("unknown") == "at T = unknown"


@pytest.mark.parametrize("value", [None, math.nan])
def test_an_unknown_temperature_has_a_name(value):
    assert temperature_name(value) == "unknown"
    assert drawing_key("unknown", None) is None  # as in runs that knew temperatures alone


CHANGES = st.dictionaries(
    st.sampled_from(["top_p", "min_p", "top_k", "max_tokens", "engine.presence_penalty"]),
    st.one_of(st.integers(1, 999), st.floats(0.001, 0.999)),
    max_size=4,
)


@given(NUMBERS, CHANGES, NUMBERS, CHANGES)
def test_distinct_settings_have_distinct_names(heat, changes, other_heat, others):
    one, other = (heat, changes), (other_heat, others)
    # in the order of the section, as they always come
    names = [condition_name(t, dict(sorted(changed.items()))) for t, changed in (one, other)]
    spelt = [(t, {k: spell_level(v) for k, v in changed.items()}) for t, changed in (one, other)]
    assert (names[0] == names[1]) == (spelt[0] == spelt[1])


def test_names_hold_only_what_a_file_s_name_may():
    changed = {
        "stop": ("\n\n", "Q: <b>/"),
        "prompt": "steps",
        "model": "/models/Small Model-1.5/",
        "engine.chat": True,
    }
    name = condition_name(0.7, changed)
    assert name == "T0.7-stop_nn_Q_b-steps-Small_Model-1.5-chattrue"
    assert condition_name(1.0, {"stop": ()}) == "T1-stop_none"
    assert condition_name(1.0, {"stop": ("?",)}) == "T1-stop_other"


@pytest.mark.parametrize(
    ("level", "spelt", "value"),
    [
        (0.10, "0.1", 0.1),
        (40, "40", 40.0),
        (1e-5, "1e-05", 1e-5),
        (True, "true", "true"),
        ((), "none", "none"),
        (("a\tb", "c"), "a\\tb c", "a\\tb c"),
        ("steps", "steps", "steps"),
    ],
)
def test_levels_are_spelt_and_stand_in_columns(level, spelt, value):
    assert spell_level(level) == spelt
    assert level_value(level) == value
    assert type(level_value(level)) is type(value)


def test_a_missing_level_is_not_set_and_no_number():
    assert spell_level(None) == "not set"
    assert spell_setting("temperature", None) == "unknown"
    assert math.isnan(level_value(None))


def test_what_varies_is_told_without_the_greedy_baseline():
    two = grid(
        {"temperature": 1.0, "min_p": 0.0, "stop": ()},
        {"temperature": 1.0, "min_p": 0.1, "stop": ()},
    )
    greedy = Condition("T0", 0.0, 1, {}, {"temperature": 0.0, "min_p": 0.0, "stop": ("x",)})
    assert varying_factors([greedy, *two]) == ("min_p",)
    assert varying_factors([greedy]) == ("temperature",)
    assert varying_factors([*two, *grid({"temperature": 2.0, "min_p": 0.0, "stop": ()})]) == (
        "temperature",
        "min_p",
    )


def test_the_order_is_by_factor_where_numbers_rise_and_names_stand_as_given():
    levels = [
        {"temperature": t, "prompt": p, "min_p": m}
        for t, p, m in [
            (1.5, "steps", 0.1), (1.5, "brief", 0.1), (0.5, "steps", 0.2), (0.5, "steps", 0.1),
            (0.5, "brief", 0.1),
        ]
    ]  # fmt: skip
    assert [one.name for one in in_order(grid(*levels))] == ["3", "2", "4", "0", "1"]


def test_an_unknown_number_comes_last_and_equal_ones_stay_in_place():
    heats = [Condition("a", None, 8), Condition("b", 2.0, 8), Condition("c", 0.0, 1)]
    assert [one.name for one in in_order(heats)] == ["c", "b", "a"]
    alike = [Condition(name, 1.0, 8) for name in "zay"]
    assert [one.name for one in in_order(alike)] == ["z", "a", "y"]


def test_only_one_greedy_sample_is_a_baseline():
    assert Condition("T0", 0.0, 1).greedy
    assert not Condition("T0", 0.0, 8).greedy  # as imported runs have them
    assert not Condition("T1", 1.0, 1).greedy


def test_subsets_are_drawn_by_the_temperature_wherever_it_alone_makes_the_pool():
    assert drawing_key("T0.7", 0.7) == 0.7
    assert drawing_key("mixed", None) is None
    assert drawing_key("hot", 0.7) == "hot"
    assert drawing_key("T0.7-min_p0.1", 0.7) == "T0.7-min_p0.1"
