import pytest
import yaml

from workbench.config.schema import dump_experiment, experiment_to_dict
from workbench.experiment import ExperimentError, check_experiment

OWN = {
    "name": "x",
    "task": {"name": "arithmetic", "num_problems": 3},
    "generation": {"model": "m", "backend": "replay"},
}


def checked(*overrides, here=False):
    tree = {name: value if name == "name" else dict(value) for name, value in OWN.items()}
    return check_experiment(tree, overrides, "x.yaml", here=here)


@pytest.mark.parametrize(
    ("overrides", "told"),
    [
        (["generation.turns=3"], "generation.turns: must be at most 2, got 3"),
        (["generation.turns=true"], "generation.turns: expected an integer, got true"),
        (["generation.turns=2", "selection.mixed=[T0.3, T0.3-turn2]"],
         "selection.mixed: first and second answers are never mixed"),
        (["generation.turns=2", "generation.temperatures=[1.0]",
          "generation.conditions=[{name: T1-turn2, temperature: 2}]"],
         "two conditions are named 'T1-turn2'"),
        (["generation.grid={turn: [1, 2]}"], "unknown factor 'turn'"),
        (["generation.corrections=2"], "generation.corrections: is of second answers"),
        (["generation.second_turn.temperature=0.5"], "second_turn.temperature: is of second"),
        (["generation.turns=2", "generation.corrections=0"], "must be at least 1, got 0"),
        (["generation.turns=2", "generation.second_turn.temperature=0"], "must be more than 0"),
        (["generation.turns=2", "generation.second_turn.max_token=9"], "did you mean 'max_tokens'"),
        (["generation.turns=2", "generation.second_turn.max_tokens=64",
          "generation.max_model_len=600", "generation.second_turn.max_tokens=600"],
         "second answers of 600 tokens leave no room"),
        (["generation.turns=2", "task.correction='  '"], "task.correction: must say what is asked"),
        (["generation.turns=2", "scoring.models={other: {model: m}}"],
         "scoring.models: second models read a sample behind the problem's own prompt"),
        (["generation.continue={times: 0}"], "generation.continue.times: must be at least 1"),
        (["generation.continue={time: 1}"], "generation.continue.time: unknown key; did"),
        (["generation.continu={times: 1}"], "did you mean 'continue'"),
        (["generation.continue={}", "generation.engine={samples: texts.jsonl}"],
         "generation.continue: the texts of generation.engine.samples are whole"),
        (["analysis.edit_distance=longest"], "analysis.edit_distance: unknown value 'longest'"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(overrides, told):
    with pytest.raises(ExperimentError) as fault:
        checked(*overrides)
    assert told in str(fault.value)
    assert len(str(fault.value).splitlines()) == 2  # one fault, and no other that follows from it


def test_imported_samples_have_no_second_turn():
    with pytest.raises(ExperimentError, match="there are no second turns"):
        checked("generation.backend=import", "generation.turns=2")


def test_runs_without_turns_are_written_as_they_were():
    tree = experiment_to_dict(checked())
    assert not {"turns", "corrections", "second_turn", "continue"} & tree["generation"].keys()
    assert "correction" not in tree["task"]
    assert "edit_distance" not in tree["analysis"]


@pytest.mark.parametrize(
    "overrides",
    [
        ["generation.turns=2", "generation.second_turn.temperature=0.5", "task.correction=Again!"],
        ["generation.continue={times: 3, text: Hm}", "analysis.edit_distance=longer"],
    ],
)
def test_what_is_written_is_read_as_it_was(overrides):
    first = checked(*overrides)
    again = check_experiment(yaml.safe_load(dump_experiment(first)), [], "x.yaml", here=False)
    assert again == first
