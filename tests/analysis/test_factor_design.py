"""Which level is the reference, and what is said of factors that move together."""

from workbench.analysis.factor_design import (
    confounding_notes,
    design_of_conditions,
    equal_conditions,
    sampled,
)
from workbench.config.conditions import ordered_conditions
from workbench.config.schema import Generation


def conditions(**generation):
    return ordered_conditions(Generation(model="m", **generation))


def test_a_number_is_compared_with_the_lowest_and_a_changed_setting_with_the_experiment_s_own():
    grid = {"temperature": [1.5, 0.7], "top_p": [0.9, 1.0], "min_p": [0.2, 0.1]}
    design = design_of_conditions(conditions(temperatures=(), grid=(grid,), top_p=1.0))
    assert design.levels == {
        "temperature": ("0.7", "1.5"), "top_p": ("1", "0.9"), "min_p": ("0.1", "0.2"),
    }  # fmt: skip


def test_the_cells_are_those_of_the_conditions_whatever_the_order_of_the_levels():
    grid = {"temperature": [0.7, 1.5], "top_p": [0.9, 1.0]}
    found = conditions(temperatures=(), grid=(grid,))
    design = design_of_conditions(found)
    for one, cell in zip(found, design.cells, strict=True):
        levels = [
            design.levels[name][code] for name, code in zip(design.factors, cell, strict=True)
        ]
        assert levels == [f"{one.temperature:g}", f"{one.own['top_p']:g}"]


def test_four_cuts_at_two_temperatures_are_each_compared_with_none():
    heats = {"temperature": [0.5, 1.5]}
    grid = (heats, heats | {"top_p": [0.9]}, heats | {"top_k": [40]}, heats | {"min_p": [0.1]})
    found = conditions(temperatures=(), grid=grid)
    design = design_of_conditions(found)
    assert design.separable == ("temperature", "top_p", "top_k", "min_p")
    names = [one.name for one in found]
    pairs = design.matched_pairs("min_p", "0.1", "0")
    assert [(names[a], names[b]) for a, b in pairs] == [
        ("T0.5-min_p0.1", "T0.5"), ("T1.5-min_p0.1", "T1.5"),
    ]  # fmt: skip
    assert confounding_notes(found) == ()


def test_greedy_decoding_is_no_condition_to_compare():
    found = conditions(temperatures=(1.0,), greedy=True)
    assert [one.name for one in sampled(found)] == ["T1"]
    assert confounding_notes(found) == ()


def test_confounded_factors_are_named():
    cells = [{"temperature": t, "min_p": p} for t, p in ((0.5, 0.0), (1.0, 0.1), (1.5, 0.2))]
    (note,) = confounding_notes(conditions(temperatures=(), conditions=tuple(cells), greedy=True))
    assert note.startswith("temperature and min_p move together")


def test_levels_that_are_spelt_alike_are_told_apart():
    stops = [["a b"], ["a", "b"], [], ["none"]]
    cells = tuple({"name": f"s{i}", "temperature": 1, "stop": s} for i, s in enumerate(stops))
    design = design_of_conditions(conditions(temperatures=(), conditions=cells))
    assert len(set(design.levels["stop"])) == len(set(design.cells)) == 4


def test_conditions_that_names_alone_tell_apart_are_equal():
    cells = [{"name": name, "temperature": t} for name, t in (("a", 1), ("b", 1), ("c", 2))]
    found = conditions(temperatures=(2.0,), conditions=tuple(cells), backend="import")
    assert equal_conditions(found) == [["a", "b"], ["T2", "c"]]
    assert equal_conditions(found[1:3]) == []
    assert confounding_notes(found)[0].startswith("a, b: the same level of every factor")
