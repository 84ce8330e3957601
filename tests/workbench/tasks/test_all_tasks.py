"""What must hold of every task."""

from dataclasses import replace
from pathlib import Path

import pytest

from workbench.config import schema as config
from workbench.tasks import TASKS

HOME = Path(__file__).resolve().parents[3]
DATA = HOME.parent / "shared" / "data" / "problems"
PROBLEMS = {"math500": DATA / "math500.jsonl", "gsm8k": DATA / "gsm8k_test.jsonl"}
QUIZ = HOME / "experiments" / "problems"
SETTINGS = {
    "arithmetic": config.TaskSettings(name="arithmetic", num_problems=30),
    "math500": config.TaskSettings(
        name="math500", num_problems=30, source=str(PROBLEMS["math500"]),
    ),
    "gsm8k": config.TaskSettings(
        name="gsm8k", num_problems=30, source=str(PROBLEMS["gsm8k"]), few_shot=4,
        options={"train": str(DATA / "gsm8k_train_slice.jsonl")},
    ),
    "jsonl": config.TaskSettings(
        name="jsonl", num_problems=30, source=str(QUIZ / "quiz.jsonl"), few_shot=3,
        options={"compare": "choice", "examples": str(QUIZ / "quiz_examples.jsonl")},
    ),
}  # fmt: skip


@pytest.fixture(params=TASKS)
def name(request):
    path = PROBLEMS.get(request.param)
    if path and not path.exists():
        pytest.skip(f"no real data at {path}")
    return request.param


def test_every_task_is_tested_here():
    assert set(TASKS) == set(SETTINGS)


def test_more_problems_keep_the_first_ones(name):
    task, settings = TASKS[name], SETTINGS[name]
    fewer = replace(settings, num_problems=24)
    assert task.load(fewer) == task.load(settings)[:24]
    assert len({p.id for p in task.load(settings)}) == 30


def test_the_known_answer_is_right_and_a_wrong_one_is_not(name):
    checker = TASKS[name].checker(SETTINGS[name])
    for problem in TASKS[name].load(SETTINGS[name])[:10]:
        answer, rule = TASKS[name].extract(rf"So \boxed{{{problem.gold}}}.", SETTINGS[name])
        assert rule == "boxed"
        assert checker.equal(problem.gold, answer) is True
        assert checker.equal(problem.gold, "271828") is False
        spelling = checker.canonical(answer)
        assert checker.canonical(spelling) == spelling  # nothing is left to even out


def test_examples_are_none_of_the_problems(name):
    task, settings = TASKS[name], SETTINGS[name]
    asked = {problem.question for problem in task.load(settings)}
    examples = task.examples(settings)
    assert examples
    assert not asked & {example.question for example in examples}
    assert all(task.extract(e.solution, settings)[0] is not None for e in examples)
