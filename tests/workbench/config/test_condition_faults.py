"""What is wrong with conditions, each fault at its key."""

import pytest

from tests.workbench.config.factor_files import said
from workbench.config.condition_faults import condition_faults
from workbench.config.schema import Generation

BRIEF = {"brief": {"system": "Be brief."}}


def test_sound_conditions_have_no_fault():
    grid = {"min_p": [0, 0.1], "prompt": ["default", "brief"]}
    sound = Generation(model="m", temperatures=(0.5, 1.0), grid=grid)
    assert list(condition_faults(sound, ["brief"])) == []
    (fault,) = condition_faults(sound, ["brisk"])
    assert fault.at == ("generation", "grid", "prompt")


@pytest.mark.parametrize(
    ("generation", "where", "message"),
    [
        ({"temperatures": []}, "temperatures", "needs at least one entry, got []"),
        ({"grid": {"temperature": [1]}, "temperatures": [1.0]}, "temperatures",
         "generation.grid has its own; leave one of the two out, or set this to []"),
        ({"grid": {"min_p": [0.1]}, "temperatures": []}, "grid",
         "a grid without temperature takes those of generation.temperatures, and there are none"),
        ({"conditions": [{"temperature": 1}, {"name": "hot", "min_p": 0.1}]}, "conditions",
         "condition 'hot' has no temperature; give it one"),
        ({"conditions": [{"min_p": 0.1}]}, "conditions", "condition 1 has no temperature"),
        ({"grid": {"temperature": [0, 1]}}, "grid.temperature",
         "must be above 0, got 0; greedy decoding is a baseline: set generation.greedy"),
        ({"grid": {"temperature": [-1]}}, "grid.temperature", "must be above 0, got -1"),
        ({"grid": {"temperature": ["hot"]}}, "grid.temperature", "'hot'"),
        ({"grid": {"min_p": ["0.1"]}}, "grid.min_p", "expected a number, got "),
        ({"grid": {"min_p": [True]}}, "grid.min_p", "expected a number, got "),
        ({"grid": {"min_p": [0, 1.5]}}, "grid.min_p", "must be at most 1, got 1.5"),
        ({"grid": {"max_tokens": [0]}}, "grid.max_tokens", "must be at least 1, got 0"),
        ({"grid": {"top_k": [1.5]}}, "grid.top_k", "integer"),
        ({"grid": {"stop": ["x"]}}, "grid.stop", "list"),
        ({"grid": {"prompt": [3]}}, "grid.prompt", "expected a name, got 3"),
        ({"grid": {"prompt": ["default", "breif"]}}, "grid.prompt",
         "unknown prompt 'breif'; did you mean 'brief'? (known: default, brief); define it under "
         "task.prompts"),
        ({"grid": {"model": [3]}}, "grid.model", "expected a name, got 3"),
        ({"conditions": [{"temperature": 1, "top_p": 2}]}, "conditions.top_p",
         "must be at most 1, got 2"),
        # names and settings
        ({"grid": [{"temperature": [1]}, {"temperature": [1, 2]}]}, "grid",
         "condition 'T1' is given twice; give it once"),
        ({"grid": {"temperature": [1, 2]}, "conditions": [{"name": "hot", "temperature": 2}]},
         "conditions", "'T2' and 'hot' have the same settings; leave one of them out"),
        ({"conditions": [{"name": "a", "temperature": 1}, {"name": "a", "temperature": 2}]},
         "conditions", "two conditions are named 'a'; give one of them another name"),
        ({"conditions": [{"temperature": 1, "stop": ["?"]}, {"temperature": 1, "stop": ["!"]}]},
         "conditions", "two conditions are named 'T1-stop_other'"),
        ({"grid": {"temperature": [1], "stop": [["Q A"], ["Q", "A"]]}}, "grid",
         "two conditions are named 'T1-stop_Q_A'"),
        ({"conditions": [{"name": "T2", "temperature": 1}]}, "conditions",
         "'T2' is the name of a temperature; choose another name"),
        ({"conditions": [{"name": "T0", "temperature": 1}], "greedy": True}, "conditions", "'T0'"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused_at_its_key(generation, where, message):
    found = said(generation, BRIEF)
    assert found.count("\n") == 1, found
    assert f"\n  generation.{where}: " in found
    assert message in found


def test_what_is_set_on_the_command_line_is_named_as_such():
    found = said({}, overrides=["generation.grid={min_p: [2]}"])
    assert "--set generation.grid.min_p: " in found
