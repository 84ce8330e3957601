"""Bad conditions: one message with the key and the nearest name, before anything is loaded."""

import re

import pytest

from tests.conftest import EXPERIMENT
from workbench.cli.check_models import check_models
from workbench.experiment import ExperimentError, check_experiment

GRID, CELLS = "generation.grid", "generation.conditions"
ENGINE = "generation.grid.engine"


def checked(*overrides, here=True):
    tree = {name: dict(section) for name, section in EXPERIMENT.items() if name != "name"}
    tree["generation"].pop("temperatures", None)
    return check_experiment({"name": "bad", **tree}, overrides, "it", here=here)


def faults_of(*overrides):
    """The lines of the message, each without ``--set``."""
    with pytest.raises(ExperimentError) as fault:
        checked(*overrides)
    return [line.strip().removeprefix("--set ") for line in str(fault.value).splitlines()[1:]]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        (GRID, "{minp: [0, 0.1]}", rf"{GRID}: unknown factor 'minp'; did you mean 'min_p'\?"),
        (GRID, "{temperatures: [1]}", rf"{GRID}: .*did you mean 'temperature'\?"),
        (GRID, "{min_p: [0, 0]}", rf"{GRID}: min_p: level 0 is given twice"),
        (GRID, "{repetition_penalty: [1, 1.0]}", rf"{GRID}: .*: level 1 is given twice"),
        (GRID, "{temperature: [.nan, .nan]}", rf"{GRID}: temperature: level nan is given twice"),
        (GRID, "{min_p: []}", rf"{GRID}: min_p: needs at least one level, got \[\]"),
        (GRID, "{min_p: 0.1}", rf"{GRID}: min_p: expected a list of levels, got 0.1; write \[0"),
        (GRID, "{min_p: }", rf"{GRID}: min_p: expected a list of levels, got nothing$"),
        (GRID, "5", rf"{GRID}: expected factors with their levels, such as .*, got 5"),
        (GRID, "", rf"{GRID}: expected factors with their levels, .*, got nothing"),
        (GRID, "[5]", rf"{GRID}: expected factors with their levels, got 5"),
        (GRID, "{top_p: [0.5, 1.5]}", rf"{GRID}\.top_p: must be at most 1, got 1.5"),
        (GRID, "{top_p: [a]}", rf"{GRID}\.top_p: expected a number, got 'a'"),
        (GRID, "{min_p: [.nan]}", rf"{GRID}\.min_p: expected a finite number, got nan"),
        (GRID, "{min_p: [1" + 400 * "0" + "]}", rf"{GRID}\.min_p: expected a finite number"),
        (GRID, "{min_p: [null]}", rf"{GRID}\.min_p: expected a number, got nothing"),
        (GRID, "{min_p: [true]}", rf"{GRID}\.min_p: expected a number, got true"),
        (GRID, "{min_p: [[0.1]]}", rf"{GRID}\.min_p: expected a number, got \[0.1\]"),
        (GRID, "{temperature: [null]}", rf"{GRID}\.temperature: expected a number, got nothing"),
        (GRID, "{temperature: [0]}", rf"{GRID}\.temperature: must be above 0.*generation.greedy"),
        (GRID, "{temperature: [-1]}", rf"{GRID}\.temperature: must be above 0, got -1$"),
        (GRID, "{temperature: [.inf]}", rf"{GRID}\.temperature: expected a finite number, got inf"),
        (GRID, "{prompt: [defalt]}", rf"{GRID}\.prompt: .*did you mean 'default'\?.*task.prompts"),
        (GRID, "{prompt: [1]}", rf"{GRID}\.prompt: expected a name, got 1"),
        (GRID, "{model: ['']}", rf"{GRID}\.model: expected a name, got ''"),
        (GRID, "{engine.seconds: [0]}", rf"{ENGINE}\.seconds: backend replay cannot set it: unkno"),
        (GRID, "{engine.seed: [0]}", rf"{ENGINE}\.seed: 'seed' is not an engine option here"),
        (GRID, "{engine.samples: [5]}", rf"{ENGINE}\.samples: expected a text, got 5"),
        (GRID, "{engine.samples: [./no]}", rf"{ENGINE}\.samples: .*no"),
        (CELLS, "5", rf"{CELLS}: expected a list of conditions, such as .*, got 5"),
        (CELLS, "[5]", rf"{CELLS}: condition 1: expected its settings, got 5"),
        (CELLS, "[{name: a, temperature: null}]", rf"{CELLS}\.temperature: expected a number"),
        (CELLS, "[{nmae: a}]", rf"{CELLS}: condition 1: .*did you mean 'name'\?"),
        (CELLS, "[{name: a b}]", rf"{CELLS}: condition 1: its name must be .*, got 'a b'"),
        (CELLS, "[{name: a/b}]", rf"{CELLS}: condition 1: its name must be .*, got 'a/b'"),
        (CELLS, "[{name: ..}]", rf"{CELLS}: condition 1: its name must be .*, got '..'"),
        (CELLS, "[{name: mixed}]", rf"{CELLS}: condition 1: 'mixed' has a meaning already"),
        (CELLS, "[{name: all}]", rf"{CELLS}: condition 1: 'all' has a meaning already"),
        (CELLS, "[{name: greedy}]", rf"{CELLS}: condition 1: 'greedy' has a meaning already"),
        ("generation.price", "{input: 1}", r"generation\.price\.output: missing: tokens of compl"),
        (
            "generation.price",
            "{input: -1, output: 1}",
            r"generation\.price\.input: must be at least 0",
        ),
        (
            "generation.models",
            "{replya: {dtype: float32}}",
            r"generation\.models\.replya: no condition has this model: .*did you mean 'replay'\?",
        ),
        ("generation.models", "{a: {dtpye: auto}}", r".*\.a\.dtpye: .*did you mean 'dtype'\?"),
        ("task.prompts", "{default: {few_shot: 0}}", r"task\.prompts\.default: 'default' is the"),
    ],
)
def test_one_message_with_the_key(key, value, said):
    (line,) = faults_of(f"{key}={value}")
    assert re.match(said, line), line


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ("{name: a, temperature: 0.3}", "'T0.3' and 'a' have the same settings; leave one of them"),
        ("{temperature: 0.3}", "condition 'T0.3' is given twice; give it once"),
        (
            "{name: a, temperature: 2}, {name: a, temperature: 3}",
            "two conditions are named 'a'; give one of them another name under generation.conditi",
        ),
        (
            "{temperature: 2, model: a/x}, {temperature: 2, model: b/x}",
            "two conditions are named 'T2-x'; name the models under generation.models",
        ),
        (
            "{name: a, temperature: 2}, {name: A, temperature: 3}",
            "'a' and 'A' differ in case only, which some file systems do not tell apart; rename",
        ),
        ("{name: T5, temperature: 2}", "'T5' is the name of a temperature; choose another name"),
        (
            "{name: T2-min_p0.1, temperature: 3}, {temperature: 2, min_p: 0.1}",
            "two conditions are named 'T2-min_p0.1'",
        ),
    ],
)
def test_conditions_that_collide(cells, said):
    (line,) = faults_of("generation.temperatures=[0.3]", f"{CELLS}=[{cells}]")
    assert line.startswith(f"{CELLS}: {said}")


def test_a_condition_needs_a_temperature():
    (line,) = faults_of("generation.temperatures=[]")
    assert line == "generation.temperatures: needs at least one entry, got []"
    (line,) = faults_of("generation.temperatures=[0.3, 1]", f"{CELLS}=[{{name: a, min_p: 0.1}}]")
    assert line == f"{CELLS}: condition 'a' has no temperature; give it one"
    (line,) = faults_of("generation.temperatures=[0.3]", f"{GRID}={{temperature: [1]}}")
    assert line.startswith("generation.temperatures: generation.grid has its own")


def test_the_longest_sample_of_a_condition_leaves_room_for_a_prompt():
    length = "generation.max_model_len=100"
    (line,) = faults_of(length, f"{GRID}={{max_tokens: [10, 100]}}")
    assert re.match(rf"{GRID}: samples of 100 tokens, as condition 'T\S+-max_tokens100' has", line)
    models = "generation.models={m: {max_model_len: 8}}"
    (line,) = faults_of(models, f"{GRID}={{model: [m, n]}}")
    assert "max_model_len = 8" in line


def test_other_faults_do_not_hide_those_of_a_grid():
    first, second = faults_of("generation.n=many", f"{GRID}.min_p=[0, x]")
    assert first.startswith("generation.n: ")
    assert second == f"{GRID}.min_p: expected a number, got 'x'"


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("price={input: -1, output: 0}", "generation.price.input: must be at least 0"),
        ("models={m: {dtpye: auto}}", "generation.models.m.dtpye: unknown key"),
    ],
)
def test_a_fault_beside_a_sound_grid_is_all_that_is_said(fault, said):
    (line,) = faults_of(f"generation.{fault}", f"{GRID}={{temperature: [1], model: [m, n]}}")
    assert line.startswith(said)


def test_a_name_for_the_default_prompt_is_no_other_prompt_of_a_grid():
    variant = "task.prompts.again={few_shot: 2}"
    checked("task.few_shot=2", variant, f"{GRID}={{temperature: [1], prompt: [again]}}")
    (line,) = faults_of("task.few_shot=2", variant, f"{GRID}={{prompt: [default, again]}}")
    assert line == (
        f"{GRID}.prompt: 'again' asks the same as 'default'; change task.prompts.again, or leave "
        "one of them out"
    )


def test_the_prompts_that_are_known_are_told_once():
    _, line = faults_of("task.prompts.default.few_shot=0", f"{GRID}={{prompt: [brief]}}")
    assert "(known: default)" in line


@pytest.mark.parametrize(
    ("backend", "factor", "said"),
    [
        ("transformers", "engine.presence_penalty", "backend transformers cannot set it: unknown"),
        ("openai", "engine.concurency", "backend openai .*did you mean 'concurrency'"),
        ("import", "min_p", "imported samples are drawn already: nothing can be set"),
    ],
)
def test_a_factor_that_the_backend_cannot_set(backend, factor, said):
    more = ["generation.engine={base_url: 'http://localhost:1/v1'}"] if backend == "openai" else []
    lines = faults_of(f"generation.backend={backend}", *more, f"{GRID}={{{factor}: [0, 1]}}")
    (line,) = [line for line in lines if line.startswith(f"{GRID}.{factor}")]
    assert re.search(said, line)


def test_a_folder_is_named_once_and_only_where_it_has_to_be():
    more = ["generation.backend=transformers", f"{GRID}={{model: [./no, SmolLM2-135M-Instruct]}}"]
    (line,) = faults_of(*more)
    assert line.startswith(f"{GRID}.model: there is no folder ./no")
    assert checked(*more, here=False).generation.grid  # a run copied elsewhere can be looked at


def test_every_model_of_a_condition_is_looked_for():
    models = "generation.models={c: {model: NN}}"
    grid = f"{GRID}={{model: [SmolLM2-135M-Instrct, c, ./tests]}}"
    experiment = checked("generation.backend=transformers", models, grid)
    with pytest.raises(ValueError, match="did you mean") as fault:
        check_models(experiment)
    first, second, third = str(fault.value).splitlines()
    assert first.startswith(f"{GRID}.model: unknown model 'SmolLM2-135M-Instrct'; did you mean 'Sm")
    assert second.startswith("generation.models.c.model: unknown model 'NN'")
    assert third.startswith(f"{GRID}.model: model folder ./tests holds no config.json")
    check_models(checked(models, grid))  # replay loads none


def test_one_model_under_two_names_is_no_factor():
    models = "generation.models={{a: {{model: x{0}}}, b: {{model: x{1}}}}}"
    grid = f"{GRID}={{temperature: [1], model: [a, b]}}"
    (line,) = faults_of(models.format("", ""), grid)
    assert line.startswith("generation.models.b: 'a' and 'b' are the same model, x, loaded alike;")
    checked(models.format("", ", dtype: float32"), grid)
    (line,) = faults_of(f"{GRID}={{temperature: [1], model: [./m, n/../m]}}")
    assert "two conditions are named" in line


def test_a_factor_of_a_saved_grid_is_set_by_its_key():
    tree = {name: dict(section) for name, section in EXPERIMENT.items() if name != "name"}
    tree["generation"].pop("temperatures", None)
    tree["generation"]["grid"] = [{"temperature": [1], "min_p": [0]}]
    key = f"{GRID}.engine.seconds_per_sample"
    wanted = (f"{GRID}.min_p=[0, 0.1]", f"{key}=[0, 0.01]")
    (grid,) = check_experiment({"name": "g", **tree}, wanted, "it").generation.grid
    assert grid == {"temperature": (1,), "min_p": (0, 0.1),
                    "engine.seconds_per_sample": (0, 0.01)}  # fmt: skip
    tree["generation"]["grid"] = [{"temperature": [1]}, {"temperature": [2]}]
    with pytest.raises(ExperimentError, match=r"generation\.grid is a list of 2 grids; set all of"):
        check_experiment({"name": "g", **tree}, (f"{GRID}.min_p=[0]",), "it")
