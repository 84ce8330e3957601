"""Worked examples from a file of one's own, for every task; by hand."""

import json
from dataclasses import replace

import pytest

from workbench.config.schema import TaskSettings
from workbench.core.types import Problem
from workbench.tasks import TASKS
from workbench.tasks.prompts import build_prompts, prompt_builder
from workbench.tasks.task import Example
from workbench.tasks.worked_examples import read_examples, worked_examples

ROWS = [
    {"problem": "What is 4 + 9?", "solution": "It is 13.", "hint": "carry"},
    {"question": "Which is red?", "choices": ["sky", "blood"], "solution": " B ", "answer": "B"},
]


@pytest.fixture
def write(tmp_path):
    def make(rows, name="examples.jsonl"):
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
        return str(tmp_path / name)

    return make


def test_a_file_is_read_with_its_own_columns_and_choices(write):
    assert read_examples(write(ROWS)) == [
        Example("What is 4 + 9?", "It is 13.", {"hint": "carry"}),
        Example("Which is red?\nA. sky\nB. blood", "B", {"choices": ["sky", "blood"]}),
    ]


@pytest.mark.parametrize("name", TASKS)
def test_every_task_takes_the_file_instead_of_its_own(write, name):
    settings = TaskSettings(name=name, few_shot=1, examples=write(ROWS), prompt="completion")
    prompt = prompt_builder(TASKS[name], replace(settings, system=""))(Problem("p", "1 + 1?"))
    assert prompt.text == "Q: What is 4 + 9?\nA: It is 13.\n\nQ: 1 + 1?\nA:"


@pytest.mark.parametrize("name", TASKS)
def test_what_is_wrong_with_the_file_is_said_by_every_task(write, name):
    given = {"num_problems": 1} if name == "arithmetic" else {"source": write([ROWS[0]], "p.jsonl")}

    def fault(**settings):
        with pytest.raises(ValueError, match=r"^[a-z_]+: ") as error:
            TASKS[name].check(TaskSettings(name=name, **given | settings))
        return str(error.value)

    assert fault(examples="no.jsonl").startswith("examples: there is no file no.jsonl")
    assert "few_shot: 3 worked examples are asked for, " in fault(few_shot=3, examples=write(ROWS))
    assert fault(examples=write([{"problem": "x"}])).endswith("needs the key 'solution'")
    TASKS[name].check(TaskSettings(name=name, **given, few_shot=2, examples=write(ROWS)))


def test_an_older_experiment_names_the_file_among_the_options(write):
    old = TaskSettings(name="jsonl", few_shot=1, options={"examples": write(ROWS)})
    new = TaskSettings(name="jsonl", few_shot=1, examples=write(ROWS))
    assert worked_examples(TASKS["jsonl"], old) == worked_examples(TASKS["jsonl"], new)
    both = replace(new, options=old.options, source=write(ROWS, "p.jsonl"))
    with pytest.raises(ValueError, match=r"^options\.examples: task\.examples names a file"):
        TASKS["jsonl"].check(both)


def test_an_example_must_not_be_one_of_the_problems(write):
    settings = TaskSettings(name="arithmetic", few_shot=2, examples=write(ROWS))
    asked = [Problem("a", "What is 1 + 1?", "2"), Problem("b", "What is 4 + 9?", "13")]
    with pytest.raises(ValueError, match=r"^examples: 'What is 4 \+ 9\?' of .* also problem b"):
        build_prompts(asked, TASKS["arithmetic"], settings)
    assert len(build_prompts(asked[:1], TASKS["arithmetic"], settings)) == 1
