"""Worked examples: from a file of one's own, for every task; and which of them are shown."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chisquare

from workbench.config.schema import TaskSettings
from workbench.core.types import Problem
from workbench.tasks import TASKS
from workbench.tasks.prompts import build_prompts, prompt_builder
from workbench.tasks.task import Example
from workbench.tasks.worked_examples import drawn_examples, read_examples, worked_examples

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


@pytest.mark.parametrize("name", [name for name, row in TASKS.items() if not row.programs])
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


def words(count, seed=None, name="arithmetic", **settings):
    settings = TaskSettings(name=name, few_shot=count, examples_seed=seed, **settings)
    return [example.question for example in worked_examples(TASKS[name], settings)]


def test_a_seed_draws_the_examples_at_random(write):
    rows = [{"problem": f"{number}?", "solution": "."} for number in range(12)]
    file = {"examples": write(rows), "name": "jsonl"}
    asked = [row["problem"] for row in rows]
    for given in (file, {}):
        every = words(12, **given)
        first, drawn = words(4, **given), words(4, 3, **given)
        assert first == every[:4]
        assert drawn == words(4, 3, **given) != first
        assert drawn != words(4, 4, **given)
        assert len({*drawn}) == 4
    # By numpy alone: the beginning of a random order, so that a smaller number is part of a larger.
    order = np.random.default_rng(3).permutation(12)
    assert words(4, 3, **file) == [asked[at] for at in order[:4]]
    assert words(12, 3, **file) == [asked[at] for at in order]
    assert words(0, 3, **file) == []


def test_every_example_is_drawn_equally_often_in_every_place():
    four = [Example(word, "") for word in "abcd"]
    rng = np.random.default_rng(0)
    drawn = Counter(
        (place, example.question)
        for _ in range(4000)
        for place, example in enumerate(drawn_examples(four, 2, rng))
    )
    assert len(drawn) == 8
    assert chisquare([*drawn.values()]).pvalue > 0.01  # 1000 each


def test_drawn_examples_are_the_same_for_every_problem():
    settings = TaskSettings(name="arithmetic", few_shot=2, examples_seed=5)
    problems = [Problem("a", "1?"), Problem("b", "2?")]
    one, other = build_prompts(problems, TASKS["arithmetic"], settings)
    assert one.messages[:-1] == other.messages[:-1]
    assert [turn["content"] for turn in one.messages if turn["role"] == "user"][:-1] == words(2, 5)


def test_too_few_examples_to_draw_are_too_few(write):
    with pytest.raises(ValueError, match=r"^few_shot: 3 worked examples are asked for, .* has 2"):
        words(3, 1, name="jsonl", examples=write(ROWS))
