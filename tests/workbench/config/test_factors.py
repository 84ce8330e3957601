"""What may be a factor, and how grids, conditions, models and prices are read."""

import json

import pytest
from pydantic import TypeAdapter

from tests.workbench.config.factor_files import said
from workbench.config.factors import FACTORS, Cells, Grids, ModelVariant, Price, is_factor


def read(kind, value):
    return TypeAdapter(kind).validate_json(json.dumps(value), strict=True)


def test_what_is_a_factor():
    assert all(map(is_factor, FACTORS))
    assert is_factor("engine.presence_penalty")
    assert not any(map(is_factor, ("engine.", "engine", "n", "seed", "name", "")))


def test_one_grid_and_a_list_of_grids_are_read_alike():
    one = {"temperature": [1, 1.5], "stop": [[], ["\n", "Q:"]]}
    expected = {"temperature": (1, 1.5), "stop": ((), ("\n", "Q:"))}
    assert read(Grids, one) == (expected,)
    assert read(Grids, [one, {"min_p": [0.1]}]) == (expected, {"min_p": (0.1,)})
    assert read(Grids, []) == ()


def test_conditions_are_read_with_their_names():
    cells = [{"name": "hot", "temperature": 1.5, "stop": ["\n"]}, {"temperature": 1}]
    assert read(Cells, cells) == (cells[0] | {"stop": ("\n",)}, cells[1])


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (3, "generation.grid: expected factors with their levels, such as {temperature: [0.7, 1]"),
        ([3], "generation.grid: expected factors with their levels, got 3"),
        ({"tempreature": [1]}, "unknown factor 'tempreature'; did you mean 'temperature'?"),
        ({"engine.": [1]}, "unknown factor 'engine.'"),
        ({"seed": [1, 2]}, "unknown factor 'seed'"),
        ({"min_p": 0.1}, "min_p: expected a list of levels, got 0.1; write [0.1]"),
        ({"min_p": []}, "min_p: needs at least one level, got []"),
        ({"min_p": [0, 0.1, 0.1]}, "min_p: level 0.1 is given twice; give each level once"),
        ({"temperature": [1, 1.0]}, "temperature: level 1 is given twice"),
        ({"stop": [["a"], ["a"]]}, "stop: level a is given twice"),
    ],
)
def test_a_faulty_grid_is_refused_at_its_key(grid, message):
    found = said({"grid": grid})
    assert found.count("\n") == 1
    assert "generation.grid: " in found
    assert message in found


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"temperature": 1}, "expected a list of conditions, such as [{name: hot"),
        ([["hot"]], "condition 1: expected its settings, got"),
        ([{"temperature": 1}, {"name": "x", "topp": 1}], "condition 2: unknown factor 'topp'; did"),
        ([{"name": "a b", "temperature": 1}], "condition 1: its name must be letters, digits"),
        ([{"name": "a/b", "temperature": 1}], "got 'a/b'"),
        ([{"name": "", "temperature": 1}], "condition 1: its name must be"),
        ([{"name": 7, "temperature": 1}], "condition 1: its name must be"),
        ([{"name": "mixed", "temperature": 1}], "'mixed' has a meaning already; choose another"),
        ([{"name": "unknown", "temperature": 1}], "'unknown' has a meaning already"),
    ],
)
def test_faulty_conditions_are_refused_by_their_number(cells, message):
    found = said({"conditions": cells})
    assert found.count("\n") == 1
    assert "generation.conditions: " in found
    assert message in found


def test_models_and_prices_are_checked():
    models = {
        "big": {"dtype": "float32", "max_model_len": 1024, "price": {"input": 0, "output": 2}}
    }
    assert ModelVariant(**models["big"]).price == Price(input=0.0, output=2.0)
    found = said({"models": {"big": {"dtyp": "float32", "price": {"input": -1, "output": 0}}}})
    assert "generation.models.big.dtyp: unknown key; did you mean 'dtype'?" in found
    assert "generation.models.big.price.input" in found
